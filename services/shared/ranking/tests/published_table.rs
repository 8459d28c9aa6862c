//! The final OPG table that the challenge published: every rank from the nine values.

use std::path::Path;

use molar_ranking::{Direction, Entry, MetricColumn, rank_table};

const TABLE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../../../shared/reference/ranking/opg-final.csv"
);
const METRICS: [&str; 9] = [
    "instance_DSC",
    "image_DSC",
    "instance_NSD",
    "image_NSD",
    "instance_IoU",
    "image_IoU",
    "IA",
    "running_time_s",
    "gpu_memory_area_mb_s",
];

fn direction(metric: &str) -> Direction {
    match metric {
        "running_time_s" | "gpu_memory_area_mb_s" => Direction::LowerIsBetter,
        _ => Direction::HigherIsBetter,
    }
}

#[test]
fn the_published_opg_table_is_ranked_as_published() {
    if !Path::new(TABLE).exists() {
        eprintln!("SKIPPED reference: the_published_opg_table_is_ranked_as_published");
        return;
    }
    let mut reader = csv::Reader::from_path(TABLE).unwrap();
    let header = reader.headers().unwrap().clone();
    let teams: Vec<_> = reader.records().map(|record| record.unwrap()).collect();
    let number = |team: usize, name: &str| -> f64 {
        let column = header.iter().position(|column| column == name).unwrap();
        teams[team][column].parse().unwrap()
    };
    assert_eq!(teams.len(), 10);

    let metrics = METRICS.map(|name| MetricColumn::new(name, direction(name)));
    // Handed over worst first, so that the order of the file cannot help.
    let entries: Vec<_> = (0..teams.len())
        .rev()
        .map(|id| Entry {
            id,
            values: METRICS.map(|name| Some(number(id, name))).to_vec(),
        })
        .collect();
    let table = rank_table(&metrics, &entries).unwrap();

    assert!(table.left_out.is_empty());
    for row in &table.rows {
        for (name, rank) in METRICS.iter().zip(&row.ranks) {
            let published = number(row.id, &format!("{name}_rank"));
            assert_eq!(
                rank.map(f64::from),
                Some(published),
                "{} of {}",
                name,
                &teams[row.id][0]
            );
        }
        assert!((row.mean_rank - number(row.id, "mean_rank")).abs() < 1e-12);
        assert_eq!(f64::from(row.final_rank), number(row.id, "final_rank"));
    }
    let order: Vec<_> = table.rows.iter().map(|row| row.id).collect();
    assert_eq!(order, (0..teams.len()).collect::<Vec<_>>());
}
