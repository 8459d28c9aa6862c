//! Time and memory of the surface distances beside the seven metrics, as a Markdown table:
//! `cargo run --release -p molar-metrics --example bench_distances [RUNS]`.
//!
//! The case is drawn here: 512 × 512 × 400 voxels of 0.3 mm, 32 ellipsoids of a tooth's size on two
//! arches, and a prediction that is off by a voxel or so.

#![expect(clippy::unwrap_used, reason = "a bench may panic")]

use std::{fs, hint::black_box, time::Instant};

use molar_metrics::{
    Context, Groups, Mask, Measure, Segmentation, Spacing, SurfaceDistances, measure,
    protocol_scores,
};
use ndarray::Array3;

const GRID: [usize; 3] = [400, 512, 512];
const MM: f64 = 0.3;

fn main() {
    let runs = std::env::args()
        .nth(1)
        .map_or(5, |runs| runs.parse().unwrap());
    let [reference, prediction] = [0.0, 1.0].map(|off| {
        let volume = arch(off);
        Segmentation::from_labels(volume.view()).unwrap()
    });
    let spacing = Spacing::new([MM; 3]).unwrap();
    let groups = Groups::default();
    let context = Context {
        spacing,
        diagonal_mm: spacing.diagonal_mm(GRID),
        groups: &groups,
        joint: None,
        scores: None,
    };
    let measured = |names: &[&str]| {
        let measures: Vec<Measure> = names.iter().map(|name| name.parse().unwrap()).collect();
        let prediction = black_box(&prediction);
        measure(&reference, prediction, &context, &measures).unwrap();
    };

    let threads = rayon::current_num_threads();
    println!("512 × 512 × 400, 32 instances, {threads} threads, median of {runs}\n");
    println!("| what | ms | peak above the masks, MB |\n|---|---:|---:|");
    line("seven metrics of the protocol", runs, || {
        protocol_scores(&reference, black_box(&prediction)).unwrap();
    });
    line("instance HD, HD95, ASSD, NSD at 4 tolerances", runs, || {
        measured(&[
            "instance_HD",
            "instance_HD95",
            "instance_ASSD",
            "instance_NSD@0.3mm",
            "instance_NSD@0.5mm",
            "instance_NSD@1mm",
            "instance_NSD@2mm",
        ]);
    });
    line("instance HD95 alone", runs, || measured(&["instance_HD95"]));
    line("image HD, HD95, ASSD", runs, || {
        measured(&["image_HD", "image_HD95", "image_ASSD"]);
    });
    line("PQ, all three matchings", runs, || {
        measured(&["PQ", "PQ@greedy", "PQ@optimal"]);
    });
    line("the whole catalogue", runs, || {
        measure(
            &reference,
            black_box(&prediction),
            &context,
            &Measure::catalogue(),
        )
        .unwrap();
    });
    let label = *reference.labels().next().unwrap();
    let [a, b] = [&reference, &prediction].map(|side| side.mask(&label).unwrap());
    line("one instance", runs, || {
        black_box(SurfaceDistances::between(a, black_box(b), spacing).unwrap());
    });
    line("one instance, every element against every other", 1, || {
        black_box(brute_force(a, black_box(b)));
    });

    let whole = SurfaceDistances::between(a, b, spacing)
        .unwrap()
        .unwrap()
        .hausdorff();
    assert!((whole - brute_force(a, b)).abs() < 1e-12);
}

/// Labels 1 to 32 on two arches, each shifted and grown by `off` in its own direction.
fn arch(off: f64) -> Array3<u8> {
    let mut volume = Array3::zeros(GRID);
    for tooth in 0..32u8 {
        let (jaw, place) = (tooth / 16, f64::from(tooth % 16));
        let angle = std::f64::consts::PI * (place + 0.5) / 16.0;
        let shift = [0.0, 2.0, 4.0].map(|phase| off * (f64::from(tooth) + phase).sin());
        let centre = [
            150.0 + 95.0 * f64::from(jaw) + shift[0],
            330.0 - 200.0 * angle.sin() + shift[1],
            256.0 - 150.0 * angle.cos() + shift[2],
        ];
        let radii = [40.0, 14.0, 13.0].map(|radius| radius + 0.5 * off);
        draw(&mut volume, tooth + 1, centre, radii);
    }
    volume
}

fn draw(volume: &mut Array3<u8>, label: u8, centre: [f64; 3], radii: [f64; 3]) {
    let range = |axis: usize| {
        let [from, to] = [-1.0, 1.0].map(|side| centre[axis] + side * radii[axis]);
        from.floor() as usize..to.ceil() as usize + 1
    };
    for z in range(0) {
        for y in range(1) {
            for x in range(2) {
                let at = [z, y, x].map(|at| at as f64);
                let part = |axis: usize| ((at[axis] - centre[axis]) / radii[axis]).powi(2);
                if part(0) + part(1) + part(2) <= 1.0 {
                    volume[[z, y, x]] = label;
                }
            }
        }
    }
}

fn line(what: &str, runs: usize, mut work: impl FnMut()) {
    // 5 sets the peak back to what is held now (Linux).
    let held = fs::write("/proc/self/clear_refs", "5")
        .ok()
        .and_then(|()| memory("VmRSS:"));
    let mut times: Vec<f64> = (0..runs)
        .map(|_| {
            let start = Instant::now();
            work();
            1e3 * start.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let peak = memory("VmHWM:").zip(held).map(|(peak, held)| peak - held);
    let peak = peak.map_or("?".into(), |mb| format!("{mb:.0}"));
    println!("| {what} | {:.1} | {peak} |", times[runs / 2]);
}

fn memory(field: &str) -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    let kb: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kb / 1e3)
}

/// The Hausdorff distance by definition.
fn brute_force(a: &Mask, b: &Mask) -> f64 {
    let (a, b) = (corners(a), corners(b));
    let farthest = |from: &[[f64; 3]], to: &[[f64; 3]]| {
        let nearest = |p: &[f64; 3]| {
            let squared = |q: &[f64; 3]| (0..3).map(|i| (p[i] - q[i]).powi(2)).sum::<f64>();
            to.iter().map(squared).fold(f64::INFINITY, f64::min)
        };
        from.iter().map(nearest).fold(0.0, f64::max)
    };
    MM * farthest(&a, &b).max(farthest(&b, &a)).sqrt()
}

fn corners(mask: &Mask) -> Vec<[f64; 3]> {
    let [z, y, x] = [0, 1, 2].map(|axis| mask.bounds().start[axis]..=mask.bounds().end[axis]);
    let rows = z.flat_map(|z| y.clone().map(move |y| (z, y)));
    let corners = rows.flat_map(|(z, y)| x.clone().map(move |x| [z, y, x]));
    let is_element = |corner: &[usize; 3]| {
        let is_inside = |i: usize| {
            let after = [0, 1, 2].map(|axis| corner[axis] + (i >> axis & 1));
            after.iter().all(|&c| c > 0) && mask.contains(after.map(|c| c - 1))
        };
        let inside = (0..8).filter(|&i| is_inside(i)).count();
        inside > 0 && inside < 8
    };
    corners
        .filter(is_element)
        .map(|corner| corner.map(|c| c as f64))
        .collect()
}
