//! Where a browser goes after a form.

use actix_web::HttpResponse;
use actix_web::http::header;

/// After a `POST`, so that loading again does not send the form again.
pub fn see_other(path: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, path))
        .finish()
}

/// `?next=` if it leads to one of our pages, else home: a link to our door must not be a link to
/// another site.
pub fn return_path(next: Option<&str>) -> &str {
    let is_ours = |path: &&str| {
        path.starts_with('/')
            && !path.starts_with("//")
            && !path.contains(|c: char| c == '\\' || c.is_control())
    };
    next.filter(is_ours).unwrap_or(super::paths::HOME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_are_returned_to() {
        assert_eq!(
            return_path(Some("/teams/7?sort=name")),
            "/teams/7?sort=name"
        );
        for foreign in [
            "https://evil.test",
            "//evil.test",
            "/\\evil.test",
            "/\t/evil.test",
            "",
        ] {
            assert_eq!(return_path(Some(foreign)), "/", "{foreign}");
        }
        assert_eq!(return_path(None), "/");
    }
}
