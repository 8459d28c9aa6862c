//! What was measured of each label, for whoever sees the scores of the case.

use serde::Deserialize;
use serde_json::Value;
use sqlx::PgConnection;

use super::access::Seen;
use crate::rows::labels;
use molar_web_kit::ApiError;

#[derive(Debug, Clone, PartialEq)]
pub struct CaseLabels {
    pub case: String,
    /// None of a case without a readable prediction.
    pub labels: Option<Vec<LabelScore>>,
}

/// As the scorer writes it; there may be more.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct LabelScore {
    pub label: String,
    pub present_in_reference: bool,
    pub present_in_prediction: bool,
    #[serde(rename = "DSC")]
    pub dsc: f64,
    #[serde(rename = "IoU")]
    pub iou: f64,
    #[serde(rename = "NSD")]
    pub nsd: f64,
}

/// Nothing while the phase hides scores from this caller: a label tells of the hidden reference what a score does, and
/// more.
pub async fn list(conn: &mut PgConnection, seen: &Seen) -> Result<Vec<CaseLabels>, ApiError> {
    if !seen.phase.shows_scores() && !seen.is_reviewer {
        return Ok(Vec::new());
    }
    let (_, evaluation) = seen.life.shown();
    let rows = labels::list(conn, evaluation).await?;
    let cases = rows.into_iter().map(|row| CaseLabels {
        case: row.case,
        labels: row.labels.map(read),
    });
    Ok(cases.collect())
}

fn read(labels: Value) -> Vec<LabelScore> {
    let Value::Array(labels) = labels else {
        return Vec::new();
    };
    let read = labels
        .into_iter()
        .filter_map(|one| serde_json::from_value(one).ok());
    read.collect()
}
