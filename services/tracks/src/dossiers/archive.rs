//! Where the archive of a commit lies at a public code host, and whether what came is one.

use std::io::Read as _;

use flate2::read::GzDecoder;
use url::Url;

/// The address of the `.tar.gz` of a commit; the error says what to give instead.
pub fn address(code_url: &Url, commit: &str) -> Result<Url, String> {
    let path = code_url.path().trim_matches('/').trim_end_matches(".git");
    let segments: Vec<&str> = path.split('/').collect();
    let host = code_url.host_str().unwrap_or_default();
    let repository = match (host, segments.len()) {
        ("github.com" | "codeberg.org" | "bitbucket.org", 2) => path,
        ("gitlab.com", 2..) if !segments.contains(&"-") => path,
        _ if path.ends_with(".tar.gz") && path.contains(commit) => return Ok(code_url.clone()),
        ("github.com" | "gitlab.com" | "codeberg.org" | "bitbucket.org", _) => {
            let why = format!("give the repository itself, such as https://{host}/OWNER/NAME");
            return Err(why);
        }
        _ => {
            return Err(format!(
                "we know where github.com, gitlab.com, codeberg.org and bitbucket.org keep the archive of a commit; of {host}, give the address of the .tar.gz itself, with the 40 digits of the commit in it"
            ));
        }
    };
    let name = segments.last().copied().unwrap_or_default();
    let below = match host {
        "gitlab.com" => format!("-/archive/{commit}/{name}-{commit}.tar.gz"),
        "bitbucket.org" => format!("get/{commit}.tar.gz"),
        _ => format!("archive/{commit}.tar.gz"),
    };
    format!("https://{host}/{repository}/{below}")
        .parse()
        .map_err(|error| format!("no address can be made of it: {error}"))
}

/// Complains where the bytes are no archive, or one of another commit. What `git archive` makes names its commit
/// in the first header; an archive that was made otherwise names none, and is taken.
pub fn complaint(bytes: &[u8], commit: &str) -> Option<String> {
    let mut head = Vec::new();
    let read = GzDecoder::new(bytes).take(1024).read_to_end(&mut head);
    if read.is_err() || head.len() < 1024 {
        return Some("what came is no .tar.gz, but perhaps a page that asks to sign in; look whether the repository is public".to_owned());
    }
    let named = named(&head)?;
    (named != commit)
        .then(|| format!("the archive that came says that it is of the commit {named}; give that, or mend the link"))
}

/// A global header of pax with a comment: `52 comment=<commit>\n`.
fn named(head: &[u8]) -> Option<&str> {
    let is_global = head.get(156) == Some(&b'g');
    let text = is_global.then(|| head.get(512..)).flatten()?;
    let text = std::str::from_utf8(text).ok()?;
    let (_, rest) = text.split_once("comment=")?;
    rest.lines().next()
}

#[cfg(test)]
pub mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    /// The beginning of what `git archive` writes.
    pub fn archive_of(commit: &str) -> Vec<u8> {
        let mut head = vec![0; 2048];
        head[..17].copy_from_slice(b"pax_global_header");
        head[156] = b'g';
        let comment = format!("52 comment={commit}\n");
        head[512..512 + comment.len()].copy_from_slice(comment.as_bytes());
        zipped(&head)
    }

    fn zipped(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn of(link: &str) -> Result<String, String> {
        Ok(address(&link.parse().unwrap(), COMMIT)?.to_string())
    }

    #[test]
    fn the_archive_of_a_commit_lies_where_its_host_keeps_it() {
        let github = format!("https://github.com/ada/net/archive/{COMMIT}.tar.gz");
        assert_eq!(of("https://github.com/ada/net"), Ok(github.clone()));
        assert_eq!(of("https://github.com/ada/net.git"), Ok(github.clone()));
        assert_eq!(of("https://github.com/ada/net/"), Ok(github));
        assert_eq!(
            of("https://gitlab.com/lab/teeth/net"),
            Ok(format!(
                "https://gitlab.com/lab/teeth/net/-/archive/{COMMIT}/net-{COMMIT}.tar.gz"
            ))
        );
        assert_eq!(
            of("https://bitbucket.org/ada/net"),
            Ok(format!("https://bitbucket.org/ada/net/get/{COMMIT}.tar.gz"))
        );
        let direct = format!("https://git.lab.test/ada/{COMMIT}.tar.gz");
        assert_eq!(of(&direct), Ok(direct));
    }

    #[test]
    fn another_link_is_refused_with_what_to_give() {
        let deep = of("https://github.com/ada/net/tree/main").unwrap_err();
        assert!(deep.contains("https://github.com/OWNER/NAME"), "{deep}");
        assert!(of("https://github.com/ada").is_err());
        let other = of("https://git.lab.test/ada/net").unwrap_err();
        assert!(other.contains(".tar.gz itself"), "{other}");
        assert!(of("https://git.lab.test/ada/main.tar.gz").is_err());
    }

    #[test]
    fn an_archive_of_another_commit_is_seen() {
        assert_eq!(complaint(&archive_of(COMMIT), COMMIT), None);
        let other = complaint(&archive_of(&COMMIT.replace('0', "f")), COMMIT).unwrap();
        assert!(other.contains("f123456789"), "{other}");
        // Made by another program than git: no commit is named in it.
        assert_eq!(complaint(&zipped(&[0; 2048]), COMMIT), None);
    }

    #[test]
    fn what_is_no_archive_is_refused() {
        for bytes in [
            &b"<!doctype html>"[..],
            b"",
            &zipped(b"short"),
            &archive_of(COMMIT)[..20],
        ] {
            assert!(complaint(bytes, COMMIT).is_some());
        }
    }
}
