//! The challenge that the tests play: the real one's shape with small limits.

pub const SLUG: &str = "trial";
pub const TRACKS: [Track; 2] = [Track::Opg, Track::Cbct];

/// Hidden and public cases of each track.
pub const VALIDATION: [&str; 3] = ["Val_01", "Val_02", "Val_03"];
pub const TEST: [&str; 3] = ["Test_01", "Test_02", "Test_03"];
pub const CANARY: &str = "Trial_01";

/// Of the phase for which no worker is there but those that a test starts: their class, and the canary, on
/// which its images take their time.
pub const LEASED: &str = "leased";
pub const SLOW: &str = VALIDATION[0];

pub const ACCURACY: [&str; 7] = [
    "image_DSC",
    "image_IoU",
    "image_NSD",
    "instance_DSC",
    "instance_IoU",
    "instance_NSD",
    "IA",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Track {
    Opg,
    Cbct,
}

impl Track {
    pub fn slug(self) -> &'static str {
        match self {
            Self::Opg => "opg",
            Self::Cbct => "cbct",
        }
    }

    pub fn format(self) -> molar_volumes::Format {
        match self {
            Self::Opg => molar_volumes::Format::Labelme,
            Self::Cbct => molar_volumes::Format::Nifti,
        }
    }
}

pub fn file() -> String {
    let mut text = HEAD.to_owned();
    for track in TRACKS {
        text.push_str(&self::track(track));
    }
    text
}

const HEAD: &str = r#"
[challenge]
slug = "trial"
title = "Trial challenge"
summary = "What the process tests play."
zone = "Europe/Berlin"
note = "Test limits"

[agreement]
version = "1"
text = "The data are drawn; do with them what you like."
"#;

fn track(track: Track) -> String {
    let (slug, format) = match track {
        Track::Opg => ("opg", "labelme"),
        Track::Cbct => ("cbct", "nifti"),
    };
    let mut labels: Vec<u8> = (1..=4)
        .flat_map(|q| (1..=8).map(move |n| q * 10 + n))
        .collect();
    if track == Track::Opg {
        labels.extend((5..=8).flat_map(|q| (1..=5).map(move |n| q * 10 + n)));
    }
    let accuracy = format!("{ACCURACY:?}");
    let nine = accuracy.replace(']', ", \"running_time_s\", \"gpu_memory_area_mib_s\"]");
    format!(
        r#"
[[tracks]]
slug = "{slug}"
title = "{slug}"
format = "{format}"
labels = {labels:?}

[[tracks.splits]]
slug = "trial"
is_public = true

[[tracks.splits]]
slug = "validation"
is_public = true

[[tracks.splits]]
slug = "test"
is_public = false

[[tracks.phases]]
slug = "validation"
title = "Validation"
kind = "predictions"
split = "validation"
opens_at = "2020-01-01T00:00:00"
closes_at = "2090-01-01T00:00:00"
metrics = {accuracy}
keep = "latest"
quota = {{ per_day = 200, concurrent = 50, free_failures_per_day = 200, trials_per_day = 200 }}
limits = {{ upload_bytes = 268435456 }}

[[tracks.phases]]
slug = "final"
title = "Final test"
kind = "container"
split = "test"
canary = "trial/{CANARY}"
opens_at = "2020-01-01T00:00:00"
closes_at = "2090-01-01T00:00:00"
is_final = true
metrics = {nine}
keep = "latest"
quota = {{ per_day = 200, total = 200, concurrent = 50, free_failures_per_day = 200, trials_per_day = 200 }}
limits = {{ wall_s = 60, memory_bytes = 268435456, shm_bytes = 67108864, cpus = 1, gpus = 0, disk_bytes = 268435456, output_bytes = 67108864, upload_bytes = 2147483648, image_bytes = 2147483648 }}
device_class = "cpu"
requires_code_url = true

[[tracks.phases]]
slug = "closed"
title = "Closed"
kind = "predictions"
split = "validation"
opens_at = "2020-01-01T00:00:00"
closes_at = "2021-01-01T00:00:00"
metrics = ["IA"]
keep = "latest"

[[tracks.phases]]
slug = "tight"
title = "One a day"
kind = "predictions"
split = "validation"
opens_at = "2020-01-01T00:00:00"
closes_at = "2090-01-01T00:00:00"
metrics = ["IA"]
keep = "latest"
quota = {{ per_day = 1, concurrent = 1 }}

[[tracks.phases]]
slug = "leased"
title = "On workers of the test"
kind = "container"
split = "trial"
canary = "validation/{SLOW}"
opens_at = "2020-01-01T00:00:00"
closes_at = "2090-01-01T00:00:00"
metrics = {accuracy}
keep = "latest"
quota = {{ per_day = 200, total = 200, concurrent = 50, free_failures_per_day = 200 }}
limits = {{ wall_s = 60, memory_bytes = 134217728, shm_bytes = 67108864, cpus = 1, gpus = 0, disk_bytes = 67108864, output_bytes = 67108864, upload_bytes = 268435456, image_bytes = 1073741824 }}
device_class = "{LEASED}"
"#
    )
}
