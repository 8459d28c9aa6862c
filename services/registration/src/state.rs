use chrono::TimeDelta;

use crate::limiter::Limiter;
use crate::passwords::Passwords;

/// What handlers need beyond the [`molar_web_kit::Kit`]; one per process.
pub struct AppState {
    pub session: TimeDelta,
    pub passwords: Passwords,
    pub limiter: Limiter,
}

impl AppState {
    pub fn new(session: TimeDelta) -> Self {
        Self {
            session,
            passwords: Passwords::default(),
            limiter: Limiter::default(),
        }
    }
}
