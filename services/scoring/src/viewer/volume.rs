//! Volumes: neither side nor the image is ever held, only the slices that are drawn.

use std::io::Read;

use image::{GrayImage, Luma};
use molar_metrics::LabelRun;
use molar_pictures::{Cross, Profile};
use molar_volumes::nifti::{self, Limits, Planes, Slice};
use molar_volumes::{Error as VolumeError, Geometry};

use super::scene::{Part, Scene, Trouble, View};
use super::sources::{Sources, blamed, keep};
use crate::error::Result;

/// Of the grey values, on either end: what is beyond is black or white.
const CLIPPED: f64 = 0.005;

/// Where a volume is wrong.
#[derive(Debug)]
pub struct Surveyed {
    /// Along x, y and z.
    pub size: [u32; 3],
    pub profile: Profile,
}

/// Looks through the labels of both sides; none where no file tells how large the case is.
pub fn survey(sources: &Sources) -> Result<Option<Surveyed>> {
    let Some(geometry) = geometry(sources)? else {
        return Ok(None);
    };
    let size = extents(geometry);
    let (profile, _) = walk(sources, geometry, || Profile::new(size), Profile::push)?;
    Ok(Some(Surveyed {
        size,
        profile: profile.finish(),
    }))
}

/// The three slices through the voxel `at`.
pub fn read(sources: &Sources, at: [u32; 3]) -> Result<Scene> {
    let Some(geometry) = geometry(sources)? else {
        return Ok(Scene::nothing(Vec::new()));
    };
    let (cross, mut troubles) = walk(sources, geometry, || Cross::new(at), Cross::push)?;
    let mut spacing = None;
    let mut greys = [None, None, None];
    if let Some(file) = &sources.image {
        let read = nifti::read_slices(file.reader(), &Limits::expecting(geometry), at);
        if let Some(image) = keep(blamed(read)?, Part::Image, &mut troubles) {
            spacing = Some(image.spacing);
            greys = window(&image.slices).map(Some);
        }
    }
    let [x, y, z] = extents(geometry);
    let [dx, dy, dz] = spacing.unwrap_or([1.0; 3]);
    let [axial, coronal, sagittal] = cross.planes;
    let [of_axial, of_coronal, of_sagittal] = greys;
    // As the challenge's volumes lie: the patient's right on the left, the front above or on the left, the
    // top above.
    let view = |size, spacing, grey, plane, is_mirrored, is_upside_down| View {
        size,
        spacing,
        grey,
        plane,
        is_mirrored,
        is_upside_down,
    };
    let views = [
        view([x, y], [dx, dy], of_axial, axial, true, false),
        view([x, z], [dx, dz], of_coronal, coronal, true, true),
        view([y, z], [dy, dz], of_sagittal, sagittal, false, true),
    ];
    Ok(Scene::of_volume(views, troubles))
}

fn extents(geometry: Geometry) -> [u32; 3] {
    let [z, y, x] = geometry.grid();
    [x, y, z]
}

/// As the rows have it, or as the first header says that can be read.
fn geometry(sources: &Sources) -> Result<Option<Geometry>> {
    if sources.geometry.is_some() {
        return Ok(sources.geometry);
    }
    for file in [&sources.reference, &sources.image].into_iter().flatten() {
        if let Ok(header) = blamed(nifti::read_header(file.reader()))? {
            return Ok(Some(header.geometry));
        }
    }
    let Some(prediction) = &sources.prediction else {
        return Ok(None);
    };
    let header = prediction.with_bytes(|bytes| nifti::read_header(bytes))?;
    Ok(header.ok().map(|header| header.geometry))
}

/// Hands over the planes of both sides. A side that cannot be read to its end is left out, as it is not
/// scored either.
fn walk<S>(
    sources: &Sources,
    geometry: Geometry,
    start: impl Fn() -> S,
    push: impl Fn(&mut S, u32, &[LabelRun], &[LabelRun]),
) -> Result<(S, Vec<Trouble>)> {
    let mut sources = sources.clone();
    let mut troubles = Vec::new();
    loop {
        let mut seen = start();
        let passed = pass(&sources, geometry, &mut |z, sides| {
            push(&mut seen, z, &sides[0], &sides[1]);
        })?;
        match passed {
            Ok(()) => return Ok((seen, troubles)),
            Err(trouble) => {
                match trouble.part {
                    Part::Prediction => sources.prediction = None,
                    Part::Reference | Part::Image => sources.reference = None,
                }
                troubles.push(trouble);
            }
        }
    }
}

type Runs = Vec<LabelRun>;

/// A plane's number, and its runs on both sides.
type OnPlane<'a> = &'a mut dyn FnMut(u32, &[Runs; 2]);

fn pass(
    sources: &Sources,
    geometry: Geometry,
    on_plane: OnPlane<'_>,
) -> Result<Result<(), Trouble>> {
    let limits = Limits::expecting(geometry);
    let mut reference = sources.reference.as_ref().map(|file| file.reader());
    let reference = reference.as_mut().map(|reader| reader as &mut dyn Read);
    let Some(prediction) = &sources.prediction else {
        let passed = together(reference, None, &limits, geometry, on_plane);
        return told(passed);
    };
    // The outer fault is the zip's own.
    let mut blame = Part::Prediction;
    let read = prediction.with_bytes(|bytes| {
        together(reference, Some(bytes), &limits, geometry, on_plane).map_err(|(part, error)| {
            blame = part;
            error
        })
    })?;
    Ok(read.map_err(|why| Trouble { part: blame, why }))
}

fn told(passed: Result<(), (Part, VolumeError)>) -> Result<Result<(), Trouble>> {
    match passed {
        Ok(()) => Ok(Ok(())),
        Err((part, error)) => Ok(blamed(Err::<(), _>(error))?.map_err(|why| Trouble { part, why })),
    }
}

fn together(
    reference: Option<&mut dyn Read>,
    prediction: Option<&mut dyn Read>,
    limits: &Limits,
    geometry: Geometry,
    on_plane: OnPlane<'_>,
) -> Result<(), (Part, VolumeError)> {
    let mut reference = open_planes(reference, limits).map_err(|error| (Part::Reference, error))?;
    let mut prediction =
        open_planes(prediction, limits).map_err(|error| (Part::Prediction, error))?;
    let [depth, ..] = geometry.grid();
    let mut sides = [Runs::new(), Runs::new()];
    // Once more after the last plane: only then is the file known to be whole.
    for z in 0..=depth {
        if let Some(planes) = &mut reference {
            let read = planes.read(&mut sides[0]);
            read.map_err(|error| (Part::Reference, error))?;
        }
        if let Some(planes) = &mut prediction {
            let read = planes.read(&mut sides[1]);
            read.map_err(|error| (Part::Prediction, error))?;
        }
        if z < depth {
            on_plane(z, &sides);
        }
    }
    Ok(())
}

fn open_planes<'a>(
    reader: Option<&'a mut dyn Read>,
    limits: &Limits,
) -> Result<Option<Planes<'a>>, VolumeError> {
    reader
        .map(|reader| Planes::open(reader, limits))
        .transpose()
}

/// From whatever the scanner counts in to 256 greys, the same in all three.
fn window(slices: &[Slice; 3]) -> [GrayImage; 3] {
    let all = slices.iter().flat_map(|slice| &slice.values).copied();
    let mut values: Vec<f32> = all.filter(|value| value.is_finite()).collect();
    let mut at = |share: f64| {
        let last = values.len().checked_sub(1)?;
        let at = (last as f64 * share).round() as usize;
        Some(*values.select_nth_unstable_by(at, f32::total_cmp).1)
    };
    let low = at(CLIPPED).unwrap_or(0.0);
    let high = at(1.0 - CLIPPED).unwrap_or(1.0);
    let range = (high - low).max(f32::MIN_POSITIVE);
    slices.each_ref().map(|slice| {
        // Unwrap safety (of the casts): a slice has at most some thousand columns and rows, and a share
        // of 255 is a byte.
        let (width, height) = (slice.width as u32, slice.height as u32);
        GrayImage::from_fn(width, height, |x, y| {
            let value = slice.values[y as usize * slice.width + x as usize];
            let share = ((value - low) / range).clamp(0.0, 1.0);
            Luma([(share * 255.0).round() as u8])
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greys_run_from_the_darkest_to_the_brightest_whatever_they_are_counted_in() {
        let slice = |values: Vec<f32>| Slice {
            width: values.len(),
            height: 1,
            values,
        };
        let ramp = slice((0..=1000).map(|n| n as f32 * 2.0 - 1000.0).collect());
        let odd = slice(vec![f32::NAN, f32::INFINITY, -1e9, 0.0]);
        let [ramp, odd, flat] = window(&[ramp, odd, slice(vec![0.0; 4])]);
        assert_eq!(
            (ramp.get_pixel(0, 0).0, ramp.get_pixel(1000, 0).0),
            ([0], [255])
        );
        assert!((126..=129).contains(&ramp.get_pixel(500, 0).0[0]));
        let odd: Vec<u8> = odd.pixels().map(|pixel| pixel.0[0]).collect();
        assert_eq!(odd[..3], [0, 255, 0]);
        assert!(flat.pixels().all(|pixel| pixel.0[0].abs_diff(127) < 3));
        let all = window(&[slice(Vec::new()), slice(vec![7.0; 3]), slice(Vec::new())]);
        assert_eq!(all[1].get_pixel(0, 0).0, [0]);
    }
}
