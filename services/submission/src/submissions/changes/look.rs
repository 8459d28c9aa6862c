//! What has changed of the submissions that somebody follows.

use molar_web_kit::{ApiError, Kit};

use super::{Changes, now};

/// Looks at each once for each kind of caller who follows it. One that fails is told and does not keep the others from
/// their turn.
pub async fn all(kit: &Kit, changes: &Changes) -> Result<(), ApiError> {
    let mut first_failure = None;
    for (key, caller) in changes.followed.list() {
        let Some(caller) = caller else {
            continue;
        };
        let number = match now(kit, &caller, key.id).await {
            Ok((_, number)) => Some(number),
            Err(ApiError::NotFound(_)) => None,
            Err(error) => {
                tracing::error!(submission.id = %key.id, error = &error as &dyn std::error::Error, "no look at a submission");
                first_failure.get_or_insert(error);
                continue;
            }
        };
        changes.followed.tell(&key, number);
    }
    first_failure.map_or(Ok(()), Err)
}
