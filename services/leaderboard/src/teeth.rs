//! The mean Dice of each tooth, of entries whose cases were measured label by label.

use std::collections::{BTreeMap, BTreeSet};

use molar_domain::labels;
use molar_figures::{Dentition, Quantity, Tooth};
use sqlx::PgExecutor;
use uuid::Uuid;

/// Of one entry, by the tooth's number.
pub type Means = BTreeMap<i32, f64>;

/// Over the cases whose reference has the tooth: a tooth that was missed counts 0, as does each of a case that failed.
/// Which teeth a reference has is known from the entries that did not fail in its case.
///
/// An entry is left out where some case has neither labels nor a reason why not. Nobody has any where a label is no
/// tooth.
pub async fn means(
    db: impl PgExecutor<'_>,
    evaluations: &[Uuid],
) -> sqlx::Result<BTreeMap<Uuid, Means>> {
    let rows = sqlx::query!(
        r#"WITH scored AS MATERIALIZED (
               SELECT evaluation_id, case_id, reason, jsonb_typeof(labels) = 'array' AS has_labels,
                      CASE WHEN jsonb_typeof(labels) = 'array' THEN labels ELSE '[]' END AS labels
               FROM scoring.scored_cases WHERE evaluation_id = ANY($1)),
           measured AS MATERIALIZED (
               SELECT s.evaluation_id, s.case_id, l.label, l."DSC" AS dsc
               FROM scored s
               CROSS JOIN jsonb_to_recordset(s.labels) AS l (label TEXT, present_in_reference BOOLEAN, "DSC" FLOAT8)
               WHERE l.present_in_reference),
           there AS (SELECT DISTINCT case_id, label FROM measured),
           whole AS (SELECT evaluation_id FROM scored GROUP BY evaluation_id
                     HAVING bool_and(COALESCE(has_labels, false) OR reason IS NOT NULL))
           SELECT w.evaluation_id AS "evaluation_id!", t.label AS "label!", avg(COALESCE(m.dsc, 0)) AS "mean!"
           FROM whole w
           CROSS JOIN there t
           LEFT JOIN measured m ON m.evaluation_id = w.evaluation_id AND m.case_id = t.case_id AND m.label = t.label
           GROUP BY w.evaluation_id, t.label"#,
        evaluations,
    )
    .fetch_all(db)
    .await?;
    let known: BTreeSet<i32> = [labels::permanent(), labels::deciduous()]
        .concat()
        .into_iter()
        .collect();
    let mut means: BTreeMap<Uuid, Means> = BTreeMap::new();
    for row in rows {
        match row.label.parse().ok().filter(|tooth| known.contains(tooth)) {
            Some(tooth) => means
                .entry(row.evaluation_id)
                .or_default()
                .insert(tooth, row.mean),
            None => return Ok(BTreeMap::new()),
        };
    }
    Ok(means)
}

/// The mean of all entries, each counting as much as another.
pub fn of_all(means: &BTreeMap<Uuid, Means>) -> Vec<Tooth> {
    let mut sums: BTreeMap<i32, (f64, u32)> = BTreeMap::new();
    for (tooth, mean) in means.values().flatten() {
        let (sum, count) = sums.entry(*tooth).or_default();
        *sum += mean;
        *count += 1;
    }
    let mean = |(number, (sum, count)): (i32, (f64, u32))| Tooth {
        number,
        value: Some(sum / f64::from(count)),
    };
    sums.into_iter().map(mean).collect()
}

pub fn of_one(means: &Means) -> Vec<Tooth> {
    let tooth = |(number, mean): (&i32, &f64)| Tooth {
        number: *number,
        value: Some(*mean),
    };
    means.iter().map(tooth).collect()
}

pub fn chart<'a>(title: &'a str, teeth: &'a [Tooth], range: Option<(f64, f64)>) -> Dentition<'a> {
    Dentition {
        title,
        quantity: Quantity::higher_is_better("Dice"),
        teeth,
        range,
    }
}
