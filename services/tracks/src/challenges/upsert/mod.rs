//! From a challenge file to rows. Every step notes what it changes.

mod device_classes;
mod left_out;
mod phase_fields;
mod phases;
#[cfg(test)]
mod tests;
mod tracks;

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use molar_domain::challenge::ChallengeFile;
use molar_domain::consent::Act;
use molar_domain::phase::{Opening, is_running};
use molar_domain::uuid_at;
use molar_web_kit::{ApiError, Complaints};
use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use super::plan::{Change, FieldChange, Plan, difference};
use crate::Error;
use crate::phases::rows::resolve_canaries;

pub struct Upsert<'a> {
    conn: &'a mut PgConnection,
    file: &'a ChallengeFile,
    zone: Tz,
    now: DateTime<Utc>,
    is_admin: bool,
    plan: Plan,
    /// How many ids were made.
    ids: i64,
}

#[derive(Serialize)]
struct ChallengeFields {
    title: String,
    summary: String,
    zone: String,
    team_size_max: i16,
    note: Option<String>,
    second_organizer: Vec<String>,
}

impl<'a> Upsert<'a> {
    /// Complains about numbers that no row can hold.
    pub fn new(
        conn: &'a mut PgConnection,
        file: &'a ChallengeFile,
        now: DateTime<Utc>,
    ) -> Result<Self, Error> {
        let mut wrong = Complaints::new();
        wrong.check(
            (1..=1000).contains(&file.challenge.team_size_max),
            "/challenge/team_size_max",
            "must be 1 to 1000",
        );
        for (t, track) in file.tracks.iter().enumerate() {
            for (s, split) in track.splits.iter().enumerate() {
                let pointer = format!("/tracks/{t}/splits/{s}/announced_cases");
                let announced = [
                    split.announced_cases,
                    split.announced_labelled,
                    split.announced_slices,
                ];
                let mut announced = announced.into_iter().flatten();
                let fits = announced.all(|n| i32::try_from(n).is_ok());
                wrong.check(fits, &pointer, "is too large");
            }
            for (p, phase) in track.phases.iter().enumerate() {
                let pointer = format!("/tracks/{t}/phases/{p}/upload_grace_s");
                let is_short = phase.upload_grace_s <= 30 * 86_400;
                wrong.check(is_short, &pointer, "must be 30 days (2592000) at most");
                let mut names = BTreeSet::new();
                for (b, baseline) in phase.baselines.iter().enumerate() {
                    let pointer = format!("/tracks/{t}/phases/{p}/baselines/{b}/name");
                    wrong.check(names.insert(&baseline.name), &pointer, "is there twice");
                }
            }
        }
        wrong.finish()?;
        let zone = file.zone();
        let zone = zone.ok_or_else(|| ApiError::invalid("/challenge/zone", "is no time zone"))?;
        Ok(Self {
            conn,
            file,
            zone,
            now,
            is_admin: false,
            plan: Plan::default(),
            ids: 0,
        })
    }

    /// An administrator may apply what one organizer may not.
    pub fn by_admin(mut self, is_admin: bool) -> Self {
        self.is_admin = is_admin;
        self
    }

    pub fn finish(self) -> Plan {
        self.plan
    }

    pub async fn challenge(&mut self, known: Option<Uuid>) -> Result<Uuid, Error> {
        let id = self.challenge_row(known).await?;
        self.agreement(id).await?;
        self.device_classes(id).await?;
        for (position, track) in self.file.tracks.iter().enumerate() {
            let track_id = self.track(id, track, place(position)).await?;
            for split in &track.splits {
                self.split(id, track_id, track, split).await?;
            }
            for (position, phase) in track.phases.iter().enumerate() {
                self.phase(track_id, track, phase, place(position)).await?;
            }
        }
        self.remove_what_is_left_out(id).await?;
        let resolved = resolve_canaries(&mut *self.conn, id).await?;
        // Of new and changed phases the plan tells already.
        if resolved > 0 && self.plan.steps.is_empty() {
            let detail = format!("{resolved} found");
            self.plan.add(Change::Update, "canaries", detail);
        }
        Ok(id)
    }

    async fn challenge_row(&mut self, known: Option<Uuid>) -> Result<Uuid, Error> {
        let file = &self.file.challenge;
        let new = ChallengeFields {
            title: file.title.clone(),
            summary: file.summary.clone(),
            zone: file.zone.clone(),
            team_size_max: i16::try_from(file.team_size_max).unwrap_or(i16::MAX),
            note: file.note.clone(),
            second_organizer: acts(&file.second_organizer),
        };
        let id = known.unwrap_or_else(|| self.new_id());
        let old = sqlx::query_as!(
            ChallengeFields,
            "SELECT title, summary, zone, team_size_max, note, second_organizer FROM tracks.challenges WHERE id = $1",
            id
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        let changes = self.note(&format!("challenge {}", file.slug), old.as_ref(), &new)?;
        let Some(changes) = changes else {
            return Ok(id);
        };
        // Days are counted in it.
        if changes.iter().any(|change| change.key == "zone")
            && self.is_anything_running(id, None).await?
        {
            self.plan.explain();
        }
        if let Some(old) = &old {
            self.keeps_four_eyes(&old.second_organizer, &new.second_organizer)?;
        }
        sqlx::query!(
            "INSERT INTO tracks.challenges
                 (id, slug, title, summary, zone, team_size_max, note, created_at, updated_at, second_organizer)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)
             ON CONFLICT (id) DO UPDATE SET title = excluded.title, summary = excluded.summary,
                 zone = excluded.zone, team_size_max = excluded.team_size_max,
                 note = excluded.note, updated_at = excluded.updated_at, second_organizer = excluded.second_organizer",
            id,
            file.slug,
            new.title,
            new.summary,
            new.zone,
            new.team_size_max,
            new.note,
            self.now,
            &new.second_organizer,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(id)
    }

    /// What needs two organizers is not made to need one by one of them.
    fn keeps_four_eyes(&self, old: &[String], new: &[String]) -> Result<(), ApiError> {
        let is_kept = old.iter().all(|act| new.contains(act));
        if is_kept || self.is_admin {
            return Ok(());
        }
        let why = "the file takes away what needs a second organizer (second_organizer), and only an administrator does that; ask one";
        Err(ApiError::forbidden(why).with_code("second-organizer-kept"))
    }

    /// People sign a version by its hash, so a version never gets another text.
    async fn agreement(&mut self, challenge: Uuid) -> Result<(), Error> {
        let agreement = &self.file.agreement;
        let sha256 = hex::encode(Sha256::digest(&agreement.text));
        let old = sqlx::query_scalar!(
            "SELECT sha256 FROM tracks.agreement_texts WHERE challenge_id = $1 AND version = $2",
            challenge,
            agreement.version,
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        match old {
            Some(old) if old == sha256 => Ok(()),
            Some(_) => Err(refuse(format!(
                "version {} of the agreement has another text; give the new text a new version",
                agreement.version
            ))),
            None => {
                // It stops every member who has not signed it.
                if self.is_anything_running(challenge, None).await? {
                    self.plan.explain();
                }
                sqlx::query!(
                    "INSERT INTO tracks.agreement_texts (challenge_id, version, text, sha256, created_at)
                     VALUES ($1, $2, $3, $4, $5)",
                    challenge,
                    agreement.version,
                    agreement.text,
                    sha256,
                    self.now,
                )
                .execute(&mut *self.conn)
                .await?;
                let what = format!("agreement {}", agreement.version);
                self.plan
                    .add(Change::Create, &what, "to be signed from now on");
                Ok(())
            }
        }
    }

    /// A millisecond apart, so that ids keep the order of the file.
    fn new_id(&mut self) -> Uuid {
        self.ids += 1;
        uuid_at(self.now + TimeDelta::milliseconds(self.ids))
    }

    /// Notes a creation or a difference; none where there is nothing to write.
    fn note<T: Serialize>(
        &mut self,
        what: &str,
        old: Option<&T>,
        new: &T,
    ) -> Result<Option<Vec<FieldChange>>, Error> {
        let Some(old) = old else {
            self.plan.add(Change::Create, what, "is new");
            return Ok(Some(Vec::new()));
        };
        let changes = difference(old, new)?;
        if changes.is_empty() {
            return Ok(None);
        }
        self.plan.update(what, changes.clone());
        Ok(Some(changes))
    }

    /// Whether teams work under the rules of some phase of the challenge, or of one split.
    async fn is_anything_running(
        &mut self,
        challenge: Uuid,
        split: Option<Uuid>,
    ) -> Result<bool, Error> {
        let phases = sqlx::query!(
            r#"SELECT o.opens_at AS "opens_at!", o.is_held AS "is_held!",
                      EXISTS (SELECT FROM submission.life l WHERE l.phase_id = p.id) AS "has_submissions!"
               FROM tracks.phases p JOIN tracks.tracks t ON t.id = p.track_id
               JOIN tracks.openings o ON o.phase_id = p.id
               WHERE t.challenge_id = $1 AND ($2::uuid IS NULL OR p.split_id = $2)"#,
            challenge,
            split,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        let mut phases = phases.iter();
        Ok(phases.any(|phase| {
            let opening = Opening {
                at: phase.opens_at,
                is_held: phase.is_held,
            };
            is_running(opening, phase.has_submissions, self.now)
        }))
    }
}

fn refuse(why: String) -> Error {
    ApiError::conflict(why).into()
}

fn place(position: usize) -> i16 {
    i16::try_from(position).unwrap_or(i16::MAX)
}

/// In one order, so that a file that names them in another changes nothing.
fn acts(acts: &[Act]) -> Vec<String> {
    let acts: BTreeSet<_> = acts.iter().map(|act| act.as_str().to_owned()).collect();
    acts.into_iter().collect()
}
