//! What has changed of the submissions that somebody follows.

use molar_web_kit::{ApiError, Kit};

use super::{Changes, now};

/// Looks at each once for each kind of caller who follows it.
pub async fn all(kit: &Kit, changes: &Changes) -> Result<(), ApiError> {
    for (key, caller) in changes.followed.list() {
        let Some(caller) = caller else {
            continue;
        };
        let number = match now(kit, &caller, key.id).await {
            Ok((_, number)) => Some(number),
            Err(ApiError::NotFound(_)) => None,
            Err(error) => return Err(error),
        };
        changes.followed.tell(&key, number);
    }
    Ok(())
}
