use chrono::TimeDelta;

use crate::passwords::Passwords;

/// What handlers need beyond the [`molar_web_kit::Kit`]; one per process.
pub struct AppState {
    pub session: TimeDelta,
    pub passwords: Passwords,
    /// Whether a new account may only read until its address is confirmed.
    pub must_confirm: bool,
}

impl AppState {
    pub fn new(session: TimeDelta, must_confirm: bool) -> Self {
        Self {
            session,
            passwords: Passwords::default(),
            must_confirm,
        }
    }
}
