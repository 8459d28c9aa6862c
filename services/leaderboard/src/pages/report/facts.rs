//! What a report says in words, each under the name that the guideline has for it.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use molar_domain::limits::Limits;
use molar_domain::phase::{Keep, SubmissionKind};
use molar_domain::quota::Quota;

use super::told::Told;
use crate::boards::Board;
use crate::entries::is_of_run;
use crate::pages::intervals;
use crate::pages::numbers::moment;
use crate::rows::phases::Phase;
use crate::statistics::Made;

pub struct Fact {
    pub name: &'static str,
    /// None: nobody told the platform.
    pub text: Option<String>,
}

fn fact(name: &'static str, text: impl Into<String>) -> Fact {
    Fact {
        name,
        text: Some(text.into()).filter(|text| !text.is_empty()),
    }
}

fn unknown(name: &'static str) -> Fact {
    Fact { name, text: None }
}

pub struct Facts<'a> {
    pub phase: &'a Phase,
    pub board: &'a Board,
    pub told: &'a Told,
    pub zone: Tz,
}

impl Facts<'_> {
    fn time(&self, at: DateTime<Utc>) -> String {
        moment(at, self.zone)
    }

    pub fn organization(&self) -> Vec<Fact> {
        let (phase, definition) = (self.phase, &self.told.definition);
        let window = &phase.window;
        let published = definition.published_at.map_or_else(
            || "not published yet".to_owned(),
            |at| format!("published {}", self.time(at)),
        );
        let mut facts = vec![
            fact("Challenge", phase.challenge_title.clone()),
            fact(
                "Track and phase",
                format!("{}: {}", phase.track_title, phase.title),
            ),
            unknown("Organizers and contact"),
            unknown("Event and life cycle"),
            fact(
                "Schedule",
                format!(
                    "opens {}, closes {}, {published}",
                    self.time(window.opening.at),
                    self.time(window.closes_at)
                ),
            ),
            fact("Submission method", self.submission()),
            fact("Participation policy", self.policy()),
            fact("Availability of code", self.code()),
            unknown("Award policy"),
            unknown("Conflicts of interest"),
        ];
        if phase.kind == SubmissionKind::Container {
            facts.push(fact("Limits of a case", self.limits()));
        }
        facts
    }

    fn submission(&self) -> String {
        let how = match self.phase.kind {
            SubmissionKind::Container => "containers, run by the platform on hidden cases",
            SubmissionKind::Predictions => "predictions, scored on hidden references",
        };
        let which = match (self.phase.keep, &self.phase.keep_metric) {
            (Keep::Best, Some(metric)) => format!("each team's best by {metric} counts"),
            (Keep::Best | Keep::Latest, _) => "each team's latest counts".to_owned(),
            (Keep::Chosen, _) => "the one that each team chose counts, else its latest".to_owned(),
        };
        let quota: Option<Quota> = serde_json::from_value(self.told.definition.quota.clone()).ok();
        let allowed = quota.map(|quota| {
            let of = |count: Option<u32>, what| count.map(|count| format!("{count} {what}"));
            [of(quota.per_day, "a day"), of(quota.total, "in all")]
        });
        let allowed: Vec<String> = allowed.into_iter().flatten().flatten().collect();
        match allowed.is_empty() {
            true => format!("{how}; as many as a team likes; {which}"),
            false => format!("{how}; {} allowed; {which}", allowed.join(", ")),
        }
    }

    fn limits(&self) -> String {
        let limits: Option<Limits> =
            serde_json::from_value(self.told.definition.limits.clone()).ok();
        limits.map_or(String::new(), |limits| {
            format!(
                "{} s, {} MiB of memory, {} cores, {} GPUs; device class {}",
                limits.wall_s,
                limits.memory_bytes >> 20,
                limits.cpus,
                limits.gpus,
                self.phase.device_class
            )
        })
    }

    fn policy(&self) -> String {
        let definition = &self.told.definition;
        let signed: Vec<String> = self
            .told
            .agreements
            .iter()
            .map(|one| format!("version {} by {} people", one.version, one.signatures))
            .collect();
        let size = format!("teams of up to {}", definition.team_size_max);
        match signed.is_empty() {
            true => size,
            false => format!("{size}; data-use terms were signed: {}", signed.join(", ")),
        }
    }

    fn code(&self) -> String {
        let definition = &self.told.definition;
        let asked = match definition.requires_code_url {
            true => "a public link to the code is required",
            false => "a public link to the code is not required",
        };
        match definition.allowed_licences.is_empty() {
            true => asked.to_owned(),
            false => format!(
                "{asked}, under {}",
                definition.allowed_licences.join(" or ")
            ),
        }
    }

    pub fn mission(&self) -> Vec<Fact> {
        let definition = &self.told.definition;
        let labels = definition.labels.len();
        let groups = definition.groups.as_object();
        let groups = groups.map(|groups| groups.keys().cloned().collect::<Vec<_>>());
        let groups = groups.unwrap_or_default();
        let mut facts = vec![
            fact(
                "Task",
                format!("segmentation of up to {labels} labels, instance by instance"),
            ),
            unknown("Field of application"),
            unknown("Target cohort"),
            unknown("Challenge cohort"),
            fact("Form of the data", definition.format.clone()),
        ];
        if !groups.is_empty() {
            facts.push(fact(
                "Groups of labels that are told apart",
                groups.join(", "),
            ));
        }
        facts
    }

    pub fn datasets(&self) -> Vec<Fact> {
        [
            "Data sources and acquisition",
            "Annotation",
            "Pre-processing",
            "Sources of error",
        ]
        .map(unknown)
        .into()
    }

    pub fn assessment(&self) -> Vec<Fact> {
        let scorers = self.told.scorers.iter();
        let scorers: Vec<String> = scorers
            .map(|one| {
                let (version, set) = (&one.version, one.reference_set_version);
                format!(
                    "{version}, references version {set} ({} entries)",
                    one.entries
                )
            })
            .collect();
        let mut facts = vec![
            fact("Scorer", scorers.join("; ")),
            fact(
                "Ranking",
                "mean over the cases, then ranks by each metric, then ranks by the mean of those ranks; equals share \
                 the better rank",
            ),
            fact(
                "Missing results",
                "a case that failed has the worst values; who lacks a metric that somebody has is last in it; one that \
                 nobody has does not count",
            ),
            fact("Uncertainty", self.uncertainty()),
            unknown("Rationale of metrics and ranking"),
        ];
        if self
            .board
            .metrics
            .iter()
            .any(|metric| is_of_run(&metric.name))
        {
            facts.push(fact("Machines", self.board.machines.join("; ")));
        }
        facts
    }

    fn uncertainty(&self) -> String {
        let Some(made) = &self.told.statistics else {
            return String::new();
        };
        if let Some(why) = &made.figures.undrawn {
            return format!("not computed: {why}");
        }
        let level = 100.0 * made.level;
        format!(
            "{level:.0} % intervals of the ranks from {} draws of the {} cases (bootstrap, seed {}); one-sided Wilcoxon \
             tests between entries with Holm's correction at {}; {}",
            made.draws, made.figures.cases, made.seed, made.alpha, made.library
        )
    }

    pub fn participation(&self) -> Vec<Fact> {
        let rows = &self.board.rows;
        let ranked = rows.iter().filter(|row| row.rank.is_some()).count();
        let submissions: i32 = rows.iter().filter_map(|row| row.submissions).sum();
        let failed: i32 = rows.iter().filter_map(|row| row.failed_cases).sum();
        vec![
            fact("Entries ranked", ranked.to_string()),
            fact(
                "Entries out of competition",
                (rows.len() - ranked).to_string(),
            ),
            fact("Submissions scored", submissions.to_string()),
            fact(
                "Cases of ranked and other entries that failed",
                failed.to_string(),
            ),
        ]
    }

    pub fn stability(&self) -> Vec<Fact> {
        let Some(made) = &self.told.statistics else {
            let why = self.no_intervals();
            return vec![why.unwrap_or_else(|| unknown("Stability of the ranking"))];
        };
        let figures = &made.figures;
        let tau = figures
            .mean_tau
            .map_or(String::new(), |tau| format!("{tau:.3}"));
        let left_out = figures.left_out.iter();
        let left_out: Vec<String> = left_out
            .map(|one| format!("{} ({})", one.metric, one.reason))
            .collect();
        let mut facts = vec![fact(
            "Kendall's τ of the draws against the ranks over all cases, mean",
            tau,
        )];
        facts.extend(self.no_intervals());
        if !left_out.is_empty() {
            facts.push(fact("Not in the statistics", left_out.join("; ")));
        }
        if !made.is_current {
            let of = format!("of version {}; the board has moved on since", made.version);
            facts.push(fact("These statistics are", of));
        }
        facts
    }

    /// Why no interval stands under the ranks, where there are ranks and none does.
    fn no_intervals(&self) -> Option<Fact> {
        let mut told = self.board.told_rows();
        if told.all(|row| row.rank.is_none()) {
            return None;
        }
        let made = self.told.statistics.as_ref();
        let basis = made.filter(|made| made.is_current).map(Made::basis);
        let why = intervals::why(self.board, basis.as_ref());
        (!why.is_empty()).then(|| fact("Intervals of the ranks", why))
    }
}
