//! Phases that open after another.

use chrono_tz::Tz;

use super::{Phase, Track};

/// What is wrong with `opens_after`, each with its field.
pub(super) fn complaints(
    phase: &Phase,
    track: &Track,
    zone: Option<Tz>,
) -> Vec<(&'static str, String)> {
    let Some(slug) = &phase.opens_after else {
        return Vec::new();
    };
    let awaited = match phase.awaited(slug, track) {
        Ok(awaited) => awaited,
        Err(why) => return vec![("opens_after", why)],
    };
    let mut found = Vec::new();
    if !awaited.is_final {
        let why = format!(
            "the scores of `{slug}` are shown all along, so it is never published: name a phase with is_final = true"
        );
        found.push(("opens_after", why));
    }
    let windows = zone.and_then(|zone| Some((awaited.window(zone)?, phase.window(zone)?)));
    if windows.is_some_and(|(awaited, own)| own.1 <= awaited.1) {
        let why = format!(
            "the phase would end before `{slug}` does, after whose publication it opens: close it later"
        );
        found.push(("closes_at", why));
    }
    found
}

impl Phase {
    /// The phase of this slug, if it stands before this one. So no circle of them can be.
    fn awaited<'a>(&self, slug: &str, track: &'a Track) -> Result<&'a Phase, String> {
        if slug == self.slug {
            return Err("a phase cannot open after itself: it would never open".into());
        }
        let named = track.phases.iter().position(|phase| phase.slug == slug);
        let Some(named) = named else {
            return Err(format!("the track has no phase `{slug}`"));
        };
        let own = track
            .phases
            .iter()
            .position(|phase| phase.slug == self.slug);
        if own.is_some_and(|own| named < own) {
            return Ok(&track.phases[named]);
        }
        Err(match track.leads_back(slug, &self.slug) {
            true => format!(
                "`{}` opens after `{slug}`, and that after `{0}`: none of them would ever open",
                self.slug
            ),
            false => format!("name `{slug}` before this phase in the file"),
        })
    }
}

impl Track {
    /// Whether the phases that one opens after, that opens after, and so on, come to another.
    fn leads_back(&self, from: &str, to: &str) -> bool {
        let after = |slug: &str| {
            let phase = self.phases.iter().find(|phase| phase.slug == slug)?;
            phase.opens_after.as_deref()
        };
        let chain = std::iter::successors(Some(from), |slug| after(slug));
        // Another circle on the way would have no end.
        let mut chain = chain.take(self.phases.len());
        chain.any(|slug| slug == to)
    }
}

#[cfg(test)]
mod tests {
    use crate::challenge::parse;

    const HEAD: &str = r#"
[challenge]
slug = "demo"
title = "Demo"
summary = "One track."
zone = "UTC"
[agreement]
version = "1"
text = "Be good."
[[tracks]]
slug = "opg"
title = "OPG"
format = "labelme"
labels = [11, 12]
[[tracks.splits]]
slug = "test"
is_public = false
"#;

    fn phase(slug: &str, closes: &str, more: &str) -> String {
        format!(
            r#"
[[tracks.phases]]
slug = "{slug}"
title = "{slug}"
kind = "predictions"
split = "test"
opens_at = "2024-09-01T00:00:00"
closes_at = "{closes}T00:00:00"
metrics = ["IA"]
keep = "latest"
{more}
"#
        )
    }

    fn told(phases: &[String]) -> Vec<(String, String)> {
        let read = parse(&format!("{HEAD}{}", phases.concat()));
        let complaints = read.err().unwrap_or_default().into_iter();
        let told = complaints.map(|c| (c.pointer.replace("/tracks/0/phases/", ""), c.detail));
        told.collect()
    }

    fn final_phase(more: &str) -> String {
        phase("final", "2024-09-10", &format!("is_final = true\n{more}"))
    }

    fn after(slug: &str, more: &str) -> String {
        let more = format!("opens_after = \"{slug}\"\n{more}");
        phase("open", "2025-09-10", &more)
    }

    #[test]
    fn a_phase_opens_after_a_final_one_that_is_named_before_it() {
        assert_eq!(told(&[final_phase(""), after("final", "")]), []);
    }

    #[test]
    fn what_it_cannot_open_after_is_told_with_the_reason() {
        let early = phase("early", "2024-09-05", "");
        for (phases, wanted) in [
            (
                vec![after("finale", "")],
                ("0/opens_after", "the track has no phase `finale`"),
            ),
            (
                vec![after("open", "is_final = true")],
                (
                    "0/opens_after",
                    "a phase cannot open after itself: it would never open",
                ),
            ),
            (
                vec![early, after("early", "")],
                (
                    "1/opens_after",
                    "the scores of `early` are shown all along, so it is never published: name a phase with is_final = true",
                ),
            ),
            (
                vec![after("final", ""), final_phase("")],
                (
                    "0/opens_after",
                    "name `final` before this phase in the file",
                ),
            ),
            (
                vec![
                    after("final", "is_final = true"),
                    final_phase("opens_after = \"open\"").replace("2024-09-10", "2026-09-10"),
                ],
                (
                    "0/opens_after",
                    "`open` opens after `final`, and that after `open`: none of them would ever open",
                ),
            ),
            (
                vec![
                    final_phase(""),
                    after("final", "").replace("2025-09-10", "2024-09-10"),
                ],
                (
                    "1/closes_at",
                    "the phase would end before `final` does, after whose publication it opens: close it later",
                ),
            ),
        ] {
            let (pointer, detail) = wanted;
            assert_eq!(told(&phases), [(pointer.to_owned(), detail.to_owned())]);
        }
    }

    #[test]
    fn a_circle_that_it_is_no_part_of_is_not_walked_for_ever() {
        let other = phase(
            "other",
            "2025-09-11",
            "is_final = true\nopens_after = \"third\"",
        );
        let third = phase(
            "third",
            "2025-09-12",
            "is_final = true\nopens_after = \"other\"",
        );
        let told = told(&[after("other", ""), other, third]);
        assert_eq!(told[0].1, "name `other` before this phase in the file");
        assert!(told[1].1.contains("none of them"), "{told:?}");
    }
}
