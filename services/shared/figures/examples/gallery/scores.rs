//! Made teams and their scores.

pub const NAMES: [&str; 14] = [
    "incisor",
    "Canine Collective",
    "ToothFairy & Co.",
    "أسنان الرياض",
    "Zahn <b>um</b> Zahn",
    "🦷🦷 Molar Bears",
    "University of Somewhere Very Long, Department of Oral and Maxillofacial Imaging",
    "cusp",
    "plaque-to-the-future",
    "牙齿分割队",
    "enamel",
    "pulp fiction",
    "nnU-Net baseline+",
    "wisdom",
];
pub const CASES: usize = 50;

/// Numbers between 0 and 1 that look drawn.
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / f64::from(1_u32 << 31)
    }
}

/// A row for each entry; some cases are hard for all.
pub fn scores(entries: usize) -> Vec<Vec<Option<f64>>> {
    let mut dice = Dice(7);
    let hard: Vec<f64> = (0..CASES).map(|_| dice.next().powi(4) * 0.2).collect();
    let rows = (0..entries).map(|entry| {
        let skill = 0.955 - 0.008 * (entry as f64).powf(0.9);
        let values = hard.iter().map(|hard| {
            let noise = (dice.next() + dice.next() - 1.0) * 0.05;
            let value = (skill - hard + noise).clamp(0.0, 1.0);
            (dice.next() > 0.004 * entry as f64).then_some(value)
        });
        values.collect()
    });
    rows.collect()
}

pub fn team(at: usize) -> String {
    NAMES
        .get(at)
        .map_or_else(|| format!("team {}", at + 1), |name| (*name).to_owned())
}
