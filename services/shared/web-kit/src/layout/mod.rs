//! The frame around every page, its stylesheet, and the pages of what went wrong.
//!
//! A role renders its inner template and wraps it: `Page::new(title, inner).respond()`. The classes
//! that inner templates use are described at the top of `assets/molar.css`.

mod assets;
mod frame;
mod redirect;
mod security;

pub use assets::{
    ICON_PATH, LIVE_LOG_PATH, LIVE_PATH, PRINT_PATH, STYLESHEET_PATH, UPLOAD_PATH, live_log_url,
    print_url, stylesheet_url, upload_url,
};
pub(crate) use assets::{icon, live, live_log, print, stylesheet, upload};
pub(crate) use frame::problem_page;
pub use frame::{Crumb, Page, page, problem_index, problem_kind_page};
pub use redirect::{return_path, see_other};
pub(crate) use security::headers;
pub use security::policy_with_connections;

/// The paths that the frame links to, and the roles that own them.
pub mod paths {
    /// The list of challenges: tracks.
    pub const HOME: &str = "/";
    /// Takes `?next=` with a path to return to: registration.
    pub const LOGIN: &str = "/login";
    /// `POST`, with `_csrf`: registration.
    pub const LOGOUT: &str = "/logout";
    pub const REGISTER: &str = "/register";
    /// The signed-in person's teams and tokens: registration.
    pub const ACCOUNT: &str = "/account";
    /// Explanations of problems: tracks.
    pub const PROBLEMS: &str = "/problems";
    pub const OPENAPI: &str = "/api/openapi.json";
}
