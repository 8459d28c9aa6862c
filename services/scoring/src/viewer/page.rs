//! `GET /organize/submissions/{id}/cases/{case}`

use actix_web::{HttpResponse, web};
use askama::Template;
use molar_pictures::{Class, of_class};
use molar_volumes::Format;
use molar_web_kit::{ApiError, Caller, Kit, layout};
use serde::Deserialize;
use uuid::Uuid;

use super::place::{no_voxel, voxel};
use super::rows::{Row, Subject, see};
use super::scene::Scene;
use super::state::Viewer;
use super::strip::{self, Bar};
use super::table::{self, Labels, Measured};
use super::volume::Surveyed;
use super::words::{self, Notice};
use crate::error::Result;

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    x: Option<u32>,
    y: Option<u32>,
    z: Option<u32>,
}

#[derive(Template)]
#[template(path = "case.html")]
struct Body {
    row: Row,
    notices: Vec<Notice>,
    notes: Vec<String>,
    values: Vec<Measured>,
    labels: Labels,
    views: Vec<View>,
    legend: Vec<(String, &'static str)>,
}

/// One image, or one plane of a volume.
struct View {
    /// Of a volume.
    slices: Option<Slices>,
    is_wide: bool,
    size: [u32; 2],
    figures: Vec<Figure>,
}

struct Figure {
    caption: &'static str,
    address: String,
}

/// How to go from slice to slice.
struct Slices {
    plane: &'static str,
    title: &'static str,
    axis: &'static str,
    here: u32,
    last: u32,
    worst: u32,
    bars: Vec<Bar>,
    /// The other two axes and where they are.
    others: [(&'static str, u32); 2],
}

impl Slices {
    fn to(&self, slice: &u32) -> String {
        let [(a, at), (b, bt)] = self.others;
        format!("?{}={slice}&{a}={at}&{b}={bt}#{}", self.axis, self.plane)
    }

    /// Slices nearby, each with how it is called.
    fn nearby(&self) -> Vec<(&'static str, u32)> {
        let steps = [("− 10", -10), ("− 1", -1), ("+ 1", 1), ("+ 10", 10)];
        let there = |(text, by): (&'static str, i64)| {
            let there = u32::try_from(i64::from(self.here) + by).ok()?;
            (there <= self.last).then_some((text, there))
        };
        steps.into_iter().filter_map(there).collect()
    }

    fn width(&self) -> usize {
        self.bars.len()
    }
}

#[tracing::instrument(name = "pages.case", skip_all, fields(submission.id = %path.0, case.id = %path.1))]
pub async fn page(
    kit: web::Data<Kit>,
    viewer: web::Data<Viewer>,
    caller: Caller,
    path: web::Path<(Uuid, Uuid)>,
    query: web::Query<Query>,
) -> Result<HttpResponse, ApiError> {
    let (submission, case) = path.into_inner();
    let subject = see(&kit.db, &caller, submission, case).await?;
    let _place = viewer.enter()?;
    let wanted = [query.x, query.y, query.z];
    let survey = match subject.format {
        Format::Labelme => no_voxel(wanted).map(|()| None)?,
        Format::Nifti => Some(viewer.survey(&subject).await?),
    };
    let surveyed = survey.as_deref().and_then(Option::as_ref);
    let at = match surveyed {
        Some(surveyed) => Some(voxel(wanted, surveyed.size, surveyed.profile.worst())?),
        None => None,
    };
    let (scene, troubles) = viewer.scene(&subject, at).await?;
    let mut notices: Vec<Notice> = words::outcome(&subject.row).into_iter().collect();
    notices.extend(troubles.iter().map(words::trouble));
    if subject.reference.is_none() {
        notices.push(words::without_reference());
    }
    let body = Body {
        notices,
        notes: words::notes(subject.row.notes.as_ref()),
        values: table::values(subject.row.values.as_ref()),
        labels: table::labels(subject.row.labels.as_ref()),
        views: views(&subject, &scene, surveyed.zip(at)),
        legend: legend(),
        row: subject.row,
    };
    framed(&caller, &body)
}

fn framed(caller: &Caller, body: &Body) -> Result<HttpResponse, ApiError> {
    let row = &body.row;
    let title = match &row.team {
        Some(team) => format!("{} of {team}", row.case_name),
        None => row.case_name.clone(),
    };
    let life = format!("/organize/submissions/{}", row.submission_id);
    Ok(layout::Page::new(title, body.render()?)
        .crumb("Organize", "/organize")
        .crumb("Submissions", "/organize/submissions")
        .crumb("A submission's life", life)
        .caller(Some(caller))
        .respond())
}

fn legend() -> Vec<(String, &'static str)> {
    let all = [
        (Class::Missed, "missed: in the reference only"),
        (Class::Invented, "invented: in the prediction only"),
        (Class::Wrong, "another label than the reference has"),
        (Class::Right, "right"),
    ];
    all.map(|(class, what)| (table::hex(of_class(class).0), what))
        .into()
}

const FIGURES: [(&str, &str); 4] = [
    ("image", "Image"),
    ("reference", "Reference"),
    ("prediction", "Prediction"),
    ("errors", "Errors"),
];
/// Each with the axis that it is cut across.
const PLANES: [(&str, &str, usize); 3] = [
    ("axial", "Axial", 2),
    ("coronal", "Coronal", 1),
    ("sagittal", "Sagittal", 0),
];
const AXES: [&str; 3] = ["x", "y", "z"];

fn views(subject: &Subject, scene: &Scene, surveyed: Option<(&Surveyed, [u32; 3])>) -> Vec<View> {
    let row = &subject.row;
    let (submission, case) = (row.submission_id, row.case_id);
    let base = format!("/api/v1/submissions/{submission}/cases/{case}/picture");
    let planes = PLANES.into_iter();
    let drawn = scene.views.iter().zip(planes);
    drawn
        .map(|(view, (plane, _, axis))| {
            let place = match surveyed {
                None => String::new(),
                Some((_, [x, y, z])) => format!("&plane={plane}&x={x}&y={y}&z={z}"),
            };
            let figure = |(show, caption)| Figure {
                caption,
                address: format!("{base}?show={show}{place}"),
            };
            let size = view.drawn();
            View {
                slices: surveyed.map(|(surveyed, at)| slices(surveyed, at, axis)),
                is_wide: surveyed.is_none() && size[0] * 2 >= size[1] * 3,
                size,
                figures: FIGURES.into_iter().map(figure).collect(),
            }
        })
        .collect()
}

fn slices(surveyed: &Surveyed, at: [u32; 3], axis: usize) -> Slices {
    let other = |by: usize| {
        let other = (axis + by) % 3;
        (AXES[other], at[other])
    };
    let (plane, title, _) = PLANES[2 - axis];
    Slices {
        plane,
        title,
        axis: AXES[axis],
        here: at[axis],
        last: surveyed.size[axis].saturating_sub(1),
        worst: surveyed.profile.worst()[axis],
        bars: strip::bars(&surveyed.profile, axis, at[axis]),
        others: [other(1), other(2)],
    }
}
