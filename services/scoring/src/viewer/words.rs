//! Why there is nothing to see, or nothing that counts, in words.

use molar_domain::FailureCode;
use serde_json::Value;

use super::rows::Row;
use super::scene::{Part, Trouble};

/// Something to read before the pictures.
pub struct Notice {
    /// Whether something went wrong, or only is not there yet.
    pub is_bad: bool,
    /// A failure code, or nothing.
    pub code: Option<String>,
    pub text: String,
    pub detail: Option<String>,
}

/// What became of the case, unless it was measured well.
pub fn outcome(row: &Row) -> Option<Notice> {
    if let Some(code) = &row.reason {
        return Some(failure(code, row.reason_detail.as_deref()));
    }
    if row.score_state.as_deref() == Some("scored") {
        return None;
    }
    if let Some(code) = &row.run_failure {
        return Some(failure(code, row.run_failure_detail.as_deref()));
    }
    if let Some(code) = &row.upload_failure {
        // What to mend stands on the submission's page.
        return Some(failure(code, None));
    }
    Some(Notice {
        is_bad: false,
        code: None,
        text: waiting(row),
        detail: None,
    })
}

fn failure(code: &str, detail: Option<&str>) -> Notice {
    let advice = code.parse().map(FailureCode::advice);
    Notice {
        is_bad: true,
        code: Some(code.to_owned()),
        text: advice.unwrap_or_default().to_owned(),
        detail: detail
            .filter(|detail| !detail.is_empty())
            .map(str::to_owned),
    }
}

fn waiting(row: &Row) -> String {
    if row.is_cancelled {
        return "The submission was cancelled before this case was measured.".to_owned();
    }
    match (row.upload_state.as_str(), row.run_state.as_deref()) {
        ("accepted", Some("finished")) if row.is_canary => {
            "The public case, on which images are tried, is not measured.".to_owned()
        }
        ("accepted", None | Some("finished")) => {
            "The case is not measured yet: it waits for its turn.".to_owned()
        }
        ("accepted", Some(state)) => format!("The case is not measured yet: its run is {state}."),
        (state, _) => format!("There is no prediction yet: the upload is {state}."),
    }
}

pub fn trouble(trouble: &Trouble) -> Notice {
    let part = match trouble.part {
        Part::Image => "The image",
        Part::Reference => "The reference",
        Part::Prediction => "The prediction",
    };
    Notice {
        is_bad: true,
        code: None,
        text: format!("{part} is not in the pictures."),
        detail: Some(trouble.why.clone()),
    }
}

/// What was odd and did not keep the prediction from being measured.
pub fn notes(notes: Option<&Value>) -> Vec<String> {
    let notes = notes.and_then(Value::as_array);
    let texts = notes.into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

pub fn without_reference() -> Notice {
    Notice {
        is_bad: false,
        code: None,
        text: "The case has no reference: everything that was predicted counts as invented in the pictures."
            .to_owned(),
        detail: None,
    }
}
