//! What a person reads first in an archive.

use super::content::{Content, Edition};

pub fn of(content: &Content) -> String {
    let phase = &content.phase;
    let of = format!(
        "{}, {}: {}",
        phase.challenge_title, phase.track_title, phase.phase_title
    );
    let (entries, cases) = (content.ranking.entries.len(), content.scores.cases);
    let (version, library) = (content.ranking.version, &content.statistics.library);
    let (edition, verified) = (edition(content), verified(phase.edition));
    format!(
        "# {of}

Version {version} of the ranking: {entries} entries over {cases} cases. An RO-Crate 1.1.
{edition}
| file | holds |
|---|---|
| phase.json | what was asked, how it was measured and ranked, by which version of the scorer and the references |
| scores/cases-long.csv | every score, a line for each value |
| scores/cases-wide.csv | the same, a line for each entry in each case |
| ranking.json | means, spreads, ranks by each metric, mean ranks, final ranks; baselines, which are not ranked |
| statistics.json | intervals, other schemes, tests between entries; lists are in the order of `teams` |
| figures/ | the ranking drawn |
| participants.csv | each team's code and its licence, as far as the team told them |
| agreements.json | how often each version of the data-use terms was signed |
| audit-head.json | the last entry of the platform's audit log when this was made: who keeps it finds whether the log was changed since |
| checksums.sha256 | `sha256sum -c checksums.sha256` |

Entries are numbered as in ranking.json, cases in the order of their names, which are not told. In tables an empty value was
not measured, and NA says that the case has none of the labels that the metric is about. A case that failed counts with the
worst values. Times are in UTC.

{verified} Statistics were made by {library} from {draws} draws of the cases with the seed {seed}, the first 13
hexadecimal digits of the SHA-256 of `{id}/{version}`.

The checksums find damage, not a forger, who can write them anew: keep the SHA-256 of this archive where you cite it.
",
        draws = content.statistics.draws,
        seed = content.statistics.seed,
        id = phase.phase_id,
    )
}

/// A paragraph with a line of its own before it, where there are two editions.
fn edition(content: &Content) -> String {
    let names = content.of_runs().join(" and ");
    match content.phase.edition {
        Edition::Common => String::new(),
        Edition::Organizers => format!(
            "
**Organizers' edition**, not for the public: a container sees the image of a hidden case and could write it into the digits
of its {names} there, which are all in this one.
"
        ),
        Edition::Public => format!(
            "
**Public edition.** It has no values per case of {names}, no spreads and no figure by case: a container sees the image of a
hidden case and could write it into their digits. Their means are in ranking.json, as the board shows them. Organizers
have an edition with all.
"
        ),
    }
}

fn verified(edition: Edition) -> &'static str {
    match edition {
        Edition::Common | Edition::Organizers => {
            "`molar archive verify FILE` computes every mean, rank and statistic again from the scores, without the platform, and says
whether they are equal."
        }
        Edition::Public => {
            "`molar archive verify FILE` computes again, without the platform, what follows from the scores that are here, takes the means
of the others as they are, and says what is equal and what could not be computed."
        }
    }
}
