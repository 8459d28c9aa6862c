//! `GET /challenges/{slug}`

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use molar_domain::ChallengeId;
use molar_domain::metric::Metric;
use molar_domain::phase::{PhaseState, Visibility};
use molar_domain::quota::Quota;
use molar_web_kit::links::{self, Piece};
use molar_web_kit::{ApiError, Caller, Kit, layout, names};
use uuid::Uuid;

use super::when;
use crate::cases::splits::closed_to;
use crate::challenges::rows::{self, Challenge, Imported, Split, Track};
use crate::finals::rows as finals;
use crate::packs::rows::{self as packs, Pack};
use crate::phases::rows::{self as phases, Phase};
use crate::phases::view::PhaseView;

#[derive(Template)]
#[template(path = "challenge.html")]
struct ChallengePage {
    challenge: Challenge,
    zone: String,
    is_signed_in: bool,
    announced: Vec<Announced>,
    may_organize: bool,
    tracks: Vec<TrackPart>,
    imported: Vec<Imported>,
}

struct TrackPart {
    slug: String,
    id: Uuid,
    title: String,
    format: &'static str,
    labels: usize,
    phases: Vec<PhasePart>,
    splits: Vec<SplitPart>,
    pack: Option<PackPart>,
    /// In place of a link, to whom the pack is not given; without a pack, that there is none.
    no_pack: Option<String>,
}

struct PackPart {
    size: String,
    sha256: String,
    samples: String,
}

struct PhasePart {
    title: String,
    state: String,
    kind: &'static str,
    opens: String,
    closes: String,
    distance: String,
    quota: String,
    limits: String,
    metrics: String,
    entry: String,
    /// Who may submit, what the code must be, when the board stands still, who sees it.
    rules: Vec<String>,
    waits_for: Vec<String>,
    board: String,
    /// Where its finalists are, for whom they are told.
    finals: Option<Uuid>,
    /// Where to hand in, while it is open.
    hand_in: Option<String>,
    is_hidden: bool,
}

struct SplitPart {
    name: String,
    cases: String,
    access: &'static str,
    references: &'static str,
}

#[tracing::instrument(name = "pages.challenge", skip_all)]
pub async fn challenge(
    kit: web::Data<Kit>,
    slug: web::Path<String>,
    caller: Option<Caller>,
) -> Result<HttpResponse, ApiError> {
    let now = kit.clock.now();
    let row = rows::find(&kit.db, &slug).await?;
    let tracks = rows::tracks(&kit.db, row.id).await?;
    let splits = rows::splits(&kit.db, row.id).await?;
    let mut phases = phases::list(&kit.db, Some(row.id), now).await?;
    phases.retain(|phase| phase.is_shown(caller.as_ref()));
    let packs = packs::current(&kit.db, row.id, None).await?;
    let teams = caller.as_ref().map_or(&[][..], |caller| &caller.teams);
    let teams: Vec<Uuid> = teams.iter().map(|team| team.0).collect();
    let told = finals::phases_of(&kit.db, row.id, &teams).await?;
    let zone: Tz = row.zone.parse().unwrap_or(Tz::UTC);
    let mut parts: Vec<_> = tracks
        .into_iter()
        .map(|track| track_part(track, &splits, &phases, &told, zone, now))
        .collect();
    for part in &mut parts {
        let pack = packs.iter().find(|pack| pack.track_id == part.id);
        part.show_pack(&kit, caller.as_ref(), row.id, pack).await?;
    }
    let page = ChallengePage {
        zone: row.zone.replace('_', " "),
        is_signed_in: caller.is_some(),
        may_organize: caller
            .as_ref()
            .is_some_and(|caller| caller.may_review(row.id.into())),
        announced: announced(&kit, row.id, zone).await?,
        tracks: parts,
        imported: rows::imported(&kit.db, row.id).await?,
        challenge: row,
    };
    Ok(
        layout::Page::new(page.challenge.title.clone(), page.render()?)
            .crumb("Challenges", layout::paths::HOME)
            .caller(caller.as_ref())
            .respond(),
    )
}

/// How many announcements stand on the page itself; the rest has a page of its own.
const ANNOUNCED: i64 = 3;

struct Announced {
    title: String,
    text: String,
    at: String,
    withdrawn_reason: Option<String>,
}

async fn announced(kit: &Kit, challenge: Uuid, zone: Tz) -> sqlx::Result<Vec<Announced>> {
    let rows = rows::announced(&kit.db, challenge, ANNOUNCED).await?;
    let announced = rows.into_iter().map(|row| Announced {
        title: row.title,
        text: row.text,
        at: when::moment(row.created_at, zone),
        withdrawn_reason: row.withdrawn_reason,
    });
    Ok(announced.collect())
}

fn track_part(
    track: Track,
    splits: &[Split],
    phases: &[Phase],
    told: &[Uuid],
    zone: Tz,
    now: DateTime<Utc>,
) -> TrackPart {
    let phases = phases.iter().filter(|phase| phase.track_id == track.id);
    let splits = splits.iter().filter(|split| split.track_id == track.id);
    TrackPart {
        phases: phases
            .map(|phase| phase_part(phase, told, zone, now))
            .collect(),
        splits: splits.map(split_part).collect(),
        format: match track.format.as_str() {
            "nifti" => "3D volumes, NIfTI label volumes (.nii.gz)",
            _ => "2D images, labelme polygons (.json)",
        },
        labels: track.labels.len(),
        pack: None,
        no_pack: None,
        id: track.id,
        slug: track.slug,
        title: track.title,
    }
}

impl TrackPart {
    /// The zip's size and hash are nobody's secret; the sample cases in it are data.
    async fn show_pack(
        &mut self,
        kit: &Kit,
        caller: Option<&Caller>,
        challenge: Uuid,
        pack: Option<&Pack>,
    ) -> Result<(), ApiError> {
        let Some(pack) = pack else {
            self.no_pack = no_pack(caller, challenge).map(str::to_owned);
            return Ok(());
        };
        self.pack = Some(PackPart {
            size: pack_size(pack.size_bytes),
            sha256: pack.sha256.clone(),
            samples: pack.samples.join(", "),
        });
        self.no_pack = match caller {
            None => Some(
                "Sample cases are data: sign in, and download it once you have signed the agreement and your team was approved.".to_owned(),
            ),
            Some(caller) => closed_to(&kit.db, caller, challenge, self.id)
                .await?
                .map(|(_, why)| format!("You cannot download it yet: {why}.")),
        };
        Ok(())
    }
}

fn no_pack(caller: Option<&Caller>, challenge: Uuid) -> Option<&'static str> {
    let is_organizer = caller.is_some_and(|caller| caller.is_organizer(ChallengeId(challenge)));
    Some(match is_organizer {
        true => "There is none yet: `molar pack` makes it, from a terminal.",
        false => "The organizers have not published one yet.",
    })
}

fn pack_size(bytes: i64) -> String {
    match bytes {
        b if b >= 1 << 30 => format!("{:.1} GiB", b as f64 / f64::from(1 << 30)),
        b if b >= 1 << 20 => format!("{:.1} MiB", b as f64 / f64::from(1 << 20)),
        b => format!("{} KiB", (b + 1023) >> 10),
    }
}

fn split_part(split: &Split) -> SplitPart {
    SplitPart {
        name: split.slug.clone(),
        cases: match split.announced_cases {
            Some(announced) if i64::from(announced) != split.stored_cases => {
                format!("{} of {announced}", split.stored_cases)
            }
            _ => split.stored_cases.to_string(),
        },
        access: if split.is_public {
            "for teams"
        } else {
            "hidden"
        },
        references: if split.are_references_public {
            "for teams"
        } else if split.has_references {
            "kept by the platform"
        } else {
            "none"
        },
    }
}

fn phase_part(phase: &Phase, told: &[Uuid], zone: Tz, now: DateTime<Utc>) -> PhasePart {
    let state = phase.state(now);
    let (next, is_open) = match state {
        PhaseState::Planned => (phase.opens_at, false),
        PhaseState::Open => (phase.closes_at, true),
        PhaseState::Paused | PhaseState::Closing | PhaseState::Closed | PhaseState::Published => {
            (phase.closes_at, false)
        }
    };
    PhasePart {
        title: phase.title.clone(),
        state: state.to_string(),
        kind: kind(&phase.kind),
        opens: when::opens(phase, zone, now),
        closes: when::end(phase.closes_at, zone),
        distance: match phase.held_by().map(names::plain) {
            Some(title) => format!("when “{title}” is published"),
            None => when::distance(next, now),
        },
        quota: quota(&phase.quota),
        limits: limits(phase),
        metrics: metrics(phase),
        entry: entry(phase),
        rules: rules(phase, zone),
        waits_for: PhaseView::of(phase.clone(), now).readiness.complaints,
        board: board(phase),
        finals: told.contains(&phase.id).then_some(phase.id),
        hand_in: (is_open && phase.is_ready)
            .then(|| format!("/submissions/new?phase={}", phase.id)),
        is_hidden: phase.is_final && phase.published_at.is_none(),
    }
}

pub fn kind(kind: &str) -> &'static str {
    match kind {
        "container" => "containers, run by the platform",
        _ => "predictions, as a zip",
    }
}

/// The path of a phase's board: the leaderboard's.
pub fn board(phase: &Phase) -> String {
    format!("/boards/{}/{}/{}", phase.challenge, phase.track, phase.slug)
}

fn quota(quota: &Quota) -> String {
    let mut parts = Vec::new();
    parts.extend(quota.per_day.map(|n| format!("{n} a day")));
    parts.extend(quota.total.map(|n| format!("{n} in all")));
    parts.push(format!("{} at a time", quota.concurrent));
    parts.join(", ")
}

fn limits(phase: &Phase) -> String {
    let limits = &phase.limits;
    let upload = format!("upload up to {}", size(limits.upload_bytes));
    if phase.kind != "container" {
        return upload;
    }
    let gpus = match limits.gpus {
        0 => "no GPU".to_owned(),
        1 => "1 GPU".to_owned(),
        n => format!("{n} GPUs"),
    };
    let cpus = if limits.cpus == 1 {
        "1 CPU core".to_owned()
    } else {
        format!("{} CPU cores", limits.cpus)
    };
    format!(
        "per case {} s, {} of memory, {cpus}, {gpus}; {upload}",
        limits.wall_s,
        size(limits.memory_bytes)
    )
}

fn size(bytes: u64) -> String {
    match bytes {
        b if b >= 1 << 30 => format!("{} GiB", b >> 30),
        b if b >= 1 << 20 => format!("{} MiB", b >> 20),
        b => format!("{} KiB", b >> 10),
    }
}

fn metrics(phase: &Phase) -> String {
    let titles = phase.metrics.iter().map(|name| title(name));
    titles.collect::<Vec<_>>().join(", ")
}

fn title(metric: &str) -> String {
    let known = metric.parse::<Metric>().ok();
    known.map_or_else(|| metric.to_owned(), |metric| metric.title())
}

fn entry(phase: &Phase) -> String {
    match (phase.keep.as_str(), &phase.keep_metric) {
        ("best", Some(metric)) => format!("the team's best by {}", title(metric)),
        ("chosen", _) => "the one that the team chooses".to_owned(),
        _ => "the team's latest".to_owned(),
    }
}

fn rules(phase: &Phase, zone: Tz) -> Vec<String> {
    let mut rules = Vec::new();
    if let (Some(title), Some(top)) = (&phase.finalists_title, phase.finalists_top) {
        let title = names::plain(title);
        rules.push(format!(
            "Only the {top} best teams of “{title}” may submit."
        ));
    }
    if phase.requires_code_url {
        rules.push(match phase.allowed_licences.join(", ").as_str() {
            "" => "The team's code must be public.".to_owned(),
            licences => format!("The team's code must be public, under {licences}."),
        });
    }
    if let Some(at) = phase.freezes_at {
        let moment = when::moment(at, zone);
        rules.push(format!(
            "The board stands still from {moment} until the organizers publish it."
        ));
    }
    match phase.visibility() {
        Visibility::Public => {}
        Visibility::Participants => rules.push("Only teams of this track see the board.".into()),
        Visibility::Organizers => rules.push("Only organizers see this phase.".into()),
    }
    rules.extend(phase.board.sentences());
    rules
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use molar_testkit::ChallengeBuilder;
    use molar_web_kit::testing::{admin, noon};
    use serde_json::json;
    use sqlx::PgPool;

    use crate::testing::Api;

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn the_challenge_of_this_repository_is_applied_and_shown(pool: PgPool) {
        let api = Api::new(&pool).await;
        let file = include_str!("../../../../deploy/challenges/sts2024.toml");
        let overlay = include_str!("../../../../deploy/challenges/demo.toml");
        let body = json!({"file": file, "overlay": overlay});
        let root = api.of(&admin(&pool, "Root").await);
        let (status, applied) = root.put("/api/v1/challenges", body).await;
        assert_eq!(status, 200, "{applied}");
        let (_, page) = api.nobody().page("/challenges/sts2024").await;
        for part in [
            "America/Los Angeles",
            "Demo limits",
            "per case 900 s, 2 GiB of memory, 1 CPU core, no GPU",
            "the team&#39;s best by DSC (instance)",
            "no case of the split validation is stored yet",
            "training-unlabelled",
            "until the organizers publish it",
        ] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn what_was_announced_stands_on_the_page_as_text(pool: PgPool) {
        let api = Api::new(&pool).await;
        let root = admin(&pool, "Root").await;
        let file = include_str!("../../../../deploy/challenges/sts2024.toml");
        let organizer = api.of(&root);
        let (status, _) = organizer
            .put("/api/v1/challenges", json!({"file": file}))
            .await;
        assert_eq!(status, 200);
        let announce = async |title: &str, text: &str, withdrawn: Option<&str>| {
            let at = noon() + TimeDelta::seconds(i64::from(withdrawn.is_some()));
            sqlx::query!(
                "INSERT INTO registration.announcements
                     (id, challenge_id, title, text, is_mailed, created_by, created_at, withdrawn_by,
                      withdrawn_at, withdrawn_reason)
                 SELECT $1, c.id, $2, $3, false, $4::uuid, $5::timestamptz,
                        CASE WHEN $6::text IS NOT NULL THEN $4 END,
                        CASE WHEN $6::text IS NOT NULL THEN $5 END, $6
                 FROM tracks.challenges c",
                molar_domain::uuid_at(at),
                title,
                text,
                root.id.0,
                at,
                withdrawn,
            )
            .execute(&pool)
            .await
            .unwrap();
        };
        let (_, page) = api.nobody().page("/challenges/sts2024").await;
        assert!(!page.contains("Announcements"), "{page}");
        announce("First", "<b>See</b> https://molar.test/x.", None).await;
        announce("Second", "was wrong", Some("it is not so")).await;
        let (_, page) = api.nobody().page("/challenges/sts2024").await;
        for part in [
            r#"&#60;b&#62;See&#60;/b&#62; <a href="https://molar.test/x" rel="nofollow noopener">"#,
            "<s><bdi>Second</bdi></s>",
            "Withdrawn: <bdi>it is not so</bdi>",
            r#"<a href="/announcements/sts2024">"#,
        ] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
        assert!(page.find("Second") < page.find("First"), "the newest first");
        assert!(!page.contains("was wrong"), "{page}");
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn imported_boards_are_linked_by_their_titles(pool: PgPool) {
        let api = Api::new(&pool).await;
        let ours = ChallengeBuilder::new("sts").insert(&pool).await;
        ChallengeBuilder::new("jaws").insert(&pool).await;
        sqlx::query!(
            "INSERT INTO leaderboard.imports (id, challenge_id, slug, title, table_sha256, metrics, left_out, rows,
                                              imported_by, imported_at)
             VALUES ($1, $1, 'final', '<b>Final</b>', repeat('1', 64), '[{}]', '{}', '[{}]', $1, $2)",
            ours.id.0,
            noon(),
        )
        .execute(&pool)
        .await
        .unwrap();
        let (_, page) = api.nobody().page("/challenges/sts").await;
        let link = r#"<a href="/boards/sts/final"><bdi>&#60;b&#62;Final&#60;/b&#62;</bdi></a>"#;
        assert!(page.contains(link), "{page}");
        let (_, other) = api.nobody().page("/challenges/jaws").await;
        assert!(!other.contains("published tables"), "{other}");
    }
}
