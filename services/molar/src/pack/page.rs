//! The page of the pack: what goes in, what comes out, within what, and how to try it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use molar_domain::challenge::Format;
use molar_domain::metric::Metric;
use molar_domain::phase::SubmissionKind;
use molar_domain::quota::Quota;
use molar_domain::{device_class::DeviceClass, labels};

use super::facts::{Challenge, Phase, Track};
use super::machine;
use super::samples::Sample;

const SCRIPT: &str = "/opt/algorithm/predict.sh";

/// Limits of a phase as `molar try --limits` reads them.
pub fn limits_file(phase: &Phase) -> anyhow::Result<String> {
    let limits = toml::to_string(&phase.limits)?;
    Ok(format!(
        "# Limits of a case in the phase `{}`.\n{limits}",
        phase.slug
    ))
}

pub fn readme(challenge: &Challenge, track: &Track, samples: &[Sample], has_image: bool) -> String {
    let parts = [
        format!(
            "# {}: {}\n\nWhat a participant begins with.",
            challenge.title, track.title
        ),
        contents(track, samples, has_image),
        contract(track, samples),
        label_set(track),
        phases(challenge, track),
        trying(challenge, track, samples, has_image),
    ];
    parts.join("\n\n") + "\n"
}

fn contents(track: &Track, samples: &[Sample], has_image: bool) -> String {
    let names: Vec<_> = samples.iter().map(|s| format!("`{}`", s.case)).collect();
    let mut rows = vec![
        (
            "`samples/`",
            format!("cases with their references: {}", names.join(", ")),
        ),
        (
            "`template/`",
            "a container to start from; its README.md says how to build it".to_owned(),
        ),
    ];
    if track.container_phases().next().is_some() {
        rows.insert(
            0,
            (
                "`limits/`",
                "limits of each phase, for `molar try --limits`".to_owned(),
            ),
        );
    }
    if has_image {
        rows.push((
            "`image.tar.gz`",
            "a ready-made image, as you would hand it in".to_owned(),
        ));
    }
    format!("## In this folder\n\n{}", table(["file", "what"], rows))
}

fn contract(track: &Track, samples: &[Sample]) -> String {
    let endings: Vec<_> = track
        .format
        .image_endings()
        .iter()
        .map(|end| format!("`<case>{end}`"))
        .collect();
    let output = track.format.prediction_name("<case>");
    let example = samples.first().map(|sample| {
        let prediction = track.format.prediction_name(&sample.case);
        format!(
            "\n\nFor example `/inputs/{}` gives `/outputs/{prediction}`.",
            sample.image_name
        )
    });
    format!(
        "## What goes in, what comes out\n\n\
         Your container is started once for every case, as `/bin/sh {SCRIPT}`, as the user and in the working \
         directory of your image; its ENTRYPOINT is kept, its CMD replaced.\n\n{}{}\n\n{}",
        table(
            ["where", "what"],
            vec![
                (
                    "`/inputs`",
                    format!("one file, read-only: {}", endings.join(" or "))
                ),
                (
                    "`/outputs`",
                    format!("empty and writable; write `{output}` and exit with 0")
                ),
            ],
        ),
        example.unwrap_or_default(),
        content(track),
    )
}

fn content(track: &Track) -> String {
    match track.format {
        Format::Labelme => {
            let spacing = match track.pixel_spacing_mm {
                Some(mm) => format!(" A pixel is {mm} mm wide."),
                None => String::new(),
            };
            format!(
                "A prediction is labelme JSON of the size of its image, with polygons in pixels from the top left; a \
                 label is text. Polygons of one label are united, and those of different labels may overlap.{spacing}\n\n\
                 ```json\n{{\"imageHeight\": 1200, \"imageWidth\": 2000, \"shapes\": [\n  {{\"label\": \"{}\", \
                 \"points\": [[10, 20], [30, 20], [30, 60]], \"shape_type\": \"polygon\"}}\n]}}\n```",
                track.labels.first().copied().unwrap_or(1)
            )
        }
        Format::Nifti => "A prediction is a NIfTI label volume, gzipped, of the shape of its image: the value of a \
             voxel is its label, a whole number, and 0 is background."
            .to_owned(),
    }
}

fn label_set(track: &Track) -> String {
    let mut text = format!(
        "## Labels\n\n{} labels: {}.",
        track.labels.len(),
        ranges(&track.labels)
    );
    let teeth: BTreeSet<i32> = labels::permanent()
        .into_iter()
        .chain(labels::deciduous())
        .collect();
    if track.labels.iter().all(|label| teeth.contains(label)) {
        text.push_str(
            " They are tooth numbers after FDI (ISO 3950): the first digit is the quadrant, the patient's upper \
             right, upper left, lower left and lower right (1 to 4 permanent, 5 to 8 deciduous teeth), the second \
             counts from the midline.",
        );
    }
    if !track.groups.is_empty() {
        let rows = track
            .groups
            .iter()
            .map(|(name, labels)| (name.as_str(), ranges(labels)));
        let groups = table(["group", "labels"], rows.collect());
        let _ = write!(text, "\n\n{groups}");
    }
    text
}

/// 11–18, 21, 22
fn ranges(labels: &[i32]) -> String {
    let sorted: BTreeSet<i32> = labels.iter().copied().collect();
    let mut runs: Vec<(i32, i32)> = Vec::new();
    for label in sorted {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == label => *last = label,
            _ => runs.push((label, label)),
        }
    }
    let texts = runs.iter().map(|&(first, last)| match last - first {
        0 => first.to_string(),
        1 => format!("{first}, {last}"),
        _ => format!("{first}–{last}"),
    });
    texts.collect::<Vec<_>>().join(", ")
}

fn phases(challenge: &Challenge, track: &Track) -> String {
    let each = track.phases.iter().map(|phase| {
        let name = format!("{}/{}/{}", challenge.slug, track.slug, phase.slug);
        match phase.kind {
            SubmissionKind::Container => container_phase(challenge, phase, &name),
            SubmissionKind::Predictions => predictions_phase(track, phase, &name),
        }
    });
    let each: Vec<_> = each.collect();
    format!("## Phases\n\n{}", each.join("\n\n"))
}

fn container_phase(challenge: &Challenge, phase: &Phase, name: &str) -> String {
    let code = match phase.requires_code_url {
        true => "; it asks for the URL of your public code",
        false => "",
    };
    let limits = table(["limit", "value"], machine::limits(&phase.limits));
    let class = &phase.device_class;
    let described: Option<&DeviceClass> =
        (challenge.device_classes.iter()).find(|described| described.slug == *class);
    let device = match described.map(machine::device) {
        Some(rows) if !rows.is_empty() => table(["machine", "of the class"], rows),
        _ => "The organizers have not described it.".to_owned(),
    };
    format!(
        "### {} (`{name}`)\n\nTakes containers{code}. {}{}\n\n{limits}\n\n#### Device class `{class}`\n\n{device}",
        phase.title,
        judged(phase),
        chances(&phase.quota, true),
    )
}

fn predictions_phase(track: &Track, phase: &Phase, name: &str) -> String {
    let file = track.format.prediction_name("<case>");
    format!(
        "### {} (`{name}`)\n\nTakes a zip with one `{file}` for each case of the split `{}`, at its top level, of at \
         most {}. {}{}",
        phase.title,
        phase.split,
        machine::size(phase.limits.upload_bytes),
        judged(phase),
        chances(&phase.quota, false),
    )
}

fn judged(phase: &Phase) -> String {
    let title = |name: &String| {
        let known = name.parse::<Metric>();
        known.map_or_else(|_| name.clone(), |metric| metric.title())
    };
    let metrics: Vec<_> = phase.metrics.iter().map(title).collect();
    let hidden = match phase.is_final {
        true => " Teams see no scores until the organizers publish it.",
        false => "",
    };
    format!("Ranked by {}.{hidden}", metrics.join(", "))
}

fn chances(quota: &Quota, is_container: bool) -> String {
    let Quota {
        per_day,
        total,
        concurrent,
        free_failures_per_day,
        trials_per_day,
    } = quota;
    let mut parts = Vec::new();
    parts.extend(per_day.map(|n| format!("{n} a day")));
    parts.extend(total.map(|n| format!("{n} in all")));
    parts.push(format!("{concurrent} at a time"));
    parts.push(format!(
        "{free_failures_per_day} refused ones a day cost none of them"
    ));
    if is_container {
        parts.push(format!("{trials_per_day} trials a day beside"));
    }
    format!(" Chances: {}.", parts.join(", "))
}

fn trying(challenge: &Challenge, track: &Track, samples: &[Sample], has_image: bool) -> String {
    let image = if has_image {
        "image.tar.gz"
    } else {
        "YOUR-IMAGE.tar.gz"
    };
    let inputs: Vec<_> = samples
        .iter()
        .map(|s| format!("samples/{}", s.image_name))
        .collect();
    let references = samples
        .iter()
        .map(|s| format!("samples/{}", track.format.prediction_name(&s.case)));
    let references: Vec<_> = references.collect();
    let (inputs, references) = (inputs.join(" "), references.join(" "));
    let mut text = "## Try it at home\n\nNothing is sent anywhere; `molar try` checks, runs, measures and scores as the \
         platform does, on your own Docker. It needs no account."
        .to_owned();
    let mut phases = track.container_phases().peekable();
    if phases.peek().is_none() {
        let _ = write!(
            text,
            "\n\n```sh\nmolar try {image} --case {inputs} --reference {references}\n```"
        );
    }
    for phase in phases {
        let limits = format!("limits/{}.toml", phase.slug);
        let name = format!("{}/{}/{}", challenge.slug, track.slug, phase.slug);
        let code = if phase.requires_code_url {
            " --code-url https://…"
        } else {
            ""
        };
        let _ = write!(
            text,
            "\n\n```sh\nmolar try {image} --limits {limits} --case {inputs} --reference {references}\n\
             # then on the platform: a trial runs the public case alone and costs no chance\n\
             molar submit {image} --phase {name}{code} --trial\n\
             molar submit {image} --phase {name}{code} --wait\n```"
        );
    }
    text
}

fn table<A: AsRef<str>>(head: [&str; 2], rows: Vec<(A, String)>) -> String {
    let mut text = format!("| {} | {} |\n|---|---|", head[0], head[1]);
    for (left, right) in rows {
        let _ = write!(text, "\n| {} | {right} |", left.as_ref());
    }
    text
}

#[cfg(test)]
mod tests {
    use molar_domain::limits::Limits;
    use serde_json::json;

    use super::*;

    fn challenge() -> Challenge {
        let limits = Limits {
            wall_s: 301,
            gpus: 1,
            cpus: 8,
            ..Limits::default()
        };
        let phase = |slug: &str, kind: &str| {
            json!({
                "slug": slug, "title": slug, "kind": kind, "split": "test", "is_final": kind == "container",
                "metrics": ["instance_DSC", "IA"], "quota": {"total": 3, "trials_per_day": 4}, "limits": limits,
                "device_class": "gpu", "requires_code_url": true,
            })
        };
        let value = json!({
            "slug": "sts", "title": "Teeth",
            "device_classes": [{"slug": "gpu", "gpu": "NVIDIA A100", "driver": "535.104.05", "cuda": "12.2", "cores": 8}],
            "tracks": [{
                "id": "1", "slug": "opg", "title": "OPG", "format": "labelme", "labels": [11, 12, 13, 21, 55],
                "groups": {"upper": [11, 12]}, "pixel_spacing_mm": 0.1, "splits": [],
                "phases": [phase("validation", "predictions"), phase("final", "container")],
            }],
        });
        serde_json::from_value(value).unwrap()
    }

    fn sample() -> Sample {
        Sample {
            split: "labelled".to_owned(),
            case: "A".to_owned(),
            image_name: "A.jpg".to_owned(),
            image: "A.jpg".into(),
            reference: "A_Mask.json".into(),
            image_sha256: String::new(),
            reference_sha256: String::new(),
        }
    }

    #[test]
    fn the_page_says_what_the_phase_says() {
        let challenge = challenge();
        let track = &challenge.tracks[0];
        let page = readme(&challenge, track, &[sample()], true);
        for part in [
            "`<case>.png` or `<case>.jpg` or `<case>.jpeg`",
            "`/inputs/A.jpg` gives `/outputs/A_Mask.json`",
            "5 labels: 11–13, 21, 55. They are tooth numbers",
            "| upper | 11, 12 |",
            "A pixel is 0.1 mm wide.",
            "| network | none |",
            "| time of a case | 301 s,",
            "| memory | 28 GiB (30064771072 bytes), without swap",
            "| GPU | NVIDIA A100 |",
            "| driver | 535.104.05 |",
            "| newest CUDA that it runs | 12.2 |",
            "Ranked by DSC (instance), IA. Teams see no scores until",
            "4 trials a day beside",
            "molar try image.tar.gz --limits limits/final.toml --case samples/A.jpg --reference samples/A_Mask.json",
            "one `<case>_Mask.json` for each case of the split `test`",
        ] {
            assert!(page.contains(part), "{part} is not in\n{page}");
        }
        let mut bare = challenge.clone();
        bare.device_classes.clear();
        let page = readme(&bare, track, &[sample()], false);
        assert!(page.contains("not described it") && page.contains("YOUR-IMAGE.tar.gz"));
    }

    #[test]
    fn the_limits_of_a_phase_come_back_from_their_file() {
        let challenge = challenge();
        let phase = challenge.tracks[0].container_phases().next().unwrap();
        let read: Limits = toml::from_str(&limits_file(phase).unwrap()).unwrap();
        assert_eq!(read, phase.limits);
    }
}
