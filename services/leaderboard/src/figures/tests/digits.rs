//! To how many digits a point of a single case can be read.

use molar_figures::Change;
use molar_ranking::Direction;
use uuid::Uuid;

use super::*;
use crate::figures::draw::draw;
use crate::figures::inputs::{Inputs, Team};
use crate::statistics::scored::{Cell, Ranked, Scored, Values};
use crate::statistics::{Document, Figures};

/// One team with these values in five cases.
fn inputs(metric: &str, values: [f64; 5]) -> Inputs {
    let team_id = Uuid::from_u128(1);
    Inputs {
        teams: vec![Team {
            name: Some("Ants".to_owned()),
            rank: 1,
            mean_rank: Some(1.0),
            means: std::collections::BTreeMap::new(),
            ranks: vec![Change {
                at: noon(),
                value: Some(1.0),
            }],
        }],
        scored: Scored {
            teams: vec![Ranked { team_id, rank: 1 }],
            cases: 5,
            metrics: vec![Values {
                name: metric.to_owned(),
                direction: Direction::LowerIsBetter,
                rows: vec![values.map(Cell::Value).to_vec()],
            }],
        },
        statistics: Document {
            teams: Vec::new(),
            figures: Figures::default(),
        },
        until: later(60),
        baselines: Vec::new(),
        teeth: std::collections::BTreeMap::new(),
    }
}

fn cases(metric: &str, values: [f64; 5]) -> String {
    let drawn = draw(&inputs(metric, values), 0).unwrap();
    let name = format!("cases-{metric}");
    drawn.into_iter().find(|one| one.name == name).unwrap().file
}

#[test]
fn a_point_of_a_run_lies_where_everybody_is_told_that_it_is() {
    let time = |values| cases("running_time_s", values);
    let told = time([0.1, 0.2, 0.3, 0.4, 1.0]);
    assert_eq!(time([0.14, 0.16, 0.2512, 0.449, 0.96]), told);
    assert_ne!(time([0.1, 0.2, 0.3, 0.5, 1.0]), told);
    let area = |values| cases("gpu_memory_area_mib_s", values);
    let told = area([1.0, 2.0, 3.0, 4.0, 9.0]);
    assert_eq!(area([1.4, 1.6, 2.512, 4.49, 9.1]), told);
    assert_ne!(area([1.0, 2.0, 3.0, 5.0, 9.0]), told);
}

#[test]
fn a_point_of_what_the_output_is_worth_lies_where_it_is() {
    let [told, other] = [0.34, 0.26].map(|value| cases("image_HD95", [0.1, 0.2, value, 0.4, 1.0]));
    assert_ne!(told, other);
}
