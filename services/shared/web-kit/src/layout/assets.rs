//! Files that pages need. Their addresses hold a hash of them, so browsers may keep them for good.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::header;
use sha2::{Digest, Sha256};

pub const STYLESHEET_PATH: &str = "/assets/molar.css";
pub const ICON_PATH: &str = "/assets/molar.svg";
pub const LIVE_PATH: &str = "/assets/live.js";
pub const LIVE_LOG_PATH: &str = "/assets/live-log.js";
pub const PRINT_PATH: &str = "/assets/print.js";
pub const UPLOAD_PATH: &str = "/assets/upload.js";

const STYLESHEET: &str = include_str!("../../assets/molar.css");
const LIVE: &str = include_str!("../../assets/live.js");
const LIVE_LOG: &str = include_str!("../../assets/live-log.js");
const PRINT: &str = include_str!("../../assets/print.js");
const UPLOAD: &str = include_str!("../../assets/upload.js");
const ICON: &str = include_str!("../../assets/molar.svg");

static STYLESHEET_URL: LazyLock<String> = LazyLock::new(|| {
    let hash = hex::encode(Sha256::digest(STYLESHEET));
    format!("{STYLESHEET_PATH}?v={}", &hash[..12])
});

static LIVE_URL: LazyLock<String> = LazyLock::new(|| {
    let hash = hex::encode(Sha256::digest(LIVE));
    format!("{LIVE_PATH}?v={}", &hash[..12])
});

static LIVE_LOG_URL: LazyLock<String> = LazyLock::new(|| {
    let hash = hex::encode(Sha256::digest(LIVE_LOG));
    format!("{LIVE_LOG_PATH}?v={}", &hash[..12])
});

static PRINT_URL: LazyLock<String> = LazyLock::new(|| {
    let hash = hex::encode(Sha256::digest(PRINT));
    format!("{PRINT_PATH}?v={}", &hash[..12])
});

static UPLOAD_URL: LazyLock<String> = LazyLock::new(|| {
    let hash = hex::encode(Sha256::digest(UPLOAD));
    format!("{UPLOAD_PATH}?v={}", &hash[..12])
});

/// The address of this very stylesheet.
pub fn stylesheet_url() -> &'static str {
    &STYLESHEET_URL
}

pub(crate) async fn stylesheet() -> HttpResponse {
    asset(
        "text/css; charset=utf-8",
        "public, max-age=31536000, immutable",
        STYLESHEET,
    )
}

/// The address of the script by which a page follows what it shows.
pub(crate) fn live_url() -> &'static str {
    &LIVE_URL
}

pub(crate) async fn live() -> HttpResponse {
    asset(
        "text/javascript; charset=utf-8",
        "public, max-age=31536000, immutable",
        LIVE,
    )
}

/// The address of the script that lets a log grow.
pub fn live_log_url() -> &'static str {
    &LIVE_LOG_URL
}

pub(crate) async fn live_log() -> HttpResponse {
    asset(
        "text/javascript; charset=utf-8",
        "public, max-age=31536000, immutable",
        LIVE_LOG,
    )
}

/// The address of the script that prints a page.
pub fn print_url() -> &'static str {
    &PRINT_URL
}

pub(crate) async fn print() -> HttpResponse {
    asset(
        "text/javascript; charset=utf-8",
        "public, max-age=31536000, immutable",
        PRINT,
    )
}

/// The address of the script that hands in a file.
pub fn upload_url() -> &'static str {
    &UPLOAD_URL
}

pub(crate) async fn upload() -> HttpResponse {
    asset(
        "text/javascript; charset=utf-8",
        "public, max-age=31536000, immutable",
        UPLOAD,
    )
}

pub(crate) async fn icon() -> HttpResponse {
    asset("image/svg+xml", "public, max-age=86400", ICON)
}

fn asset(kind: &str, cache: &str, text: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(kind)
        .insert_header((header::CACHE_CONTROL, cache))
        .body(text)
}
