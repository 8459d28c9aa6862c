//! Places in tracks: approved, refused, disqualified.

use molar_web_kit::Kit;

use super::{News, tell};
use crate::Error;
use crate::participations::State;

pub async fn round(kit: &Kit) -> Result<(), Error> {
    for decided in list(kit).await? {
        tell(kit, &decided.news()?).await?;
    }
    Ok(())
}

struct Decided {
    id: uuid::Uuid,
    occasion: String,
    team_id: uuid::Uuid,
    team: String,
    state: String,
    reason: Option<String>,
    out_reason: Option<String>,
    track: String,
    challenge: String,
    challenge_slug: String,
    home: String,
}

/// What a team does itself is no news to it.
async fn list(kit: &Kit) -> sqlx::Result<Vec<Decided>> {
    let rows = sqlx::query!(
        r#"
        SELECT p.id, 'decided ' || extract(epoch FROM p.decided_at)::bigint AS "occasion!",
               p.team_id, t.name AS team, p.state, p.reason, p.out_reason, k.title AS track,
               c.title AS challenge, c.slug AS challenge_slug
        FROM registration.participations p
        JOIN registration.teams t ON t.id = p.team_id
        JOIN tracks.tracks k ON k.id = p.track_id
        JOIN tracks.challenges c ON c.id = t.challenge_id
        WHERE p.decided_at IS NOT NULL AND p.state IN ('approved', 'refused', 'disqualified')
          AND NOT EXISTS (
              SELECT FROM registration.noticed n
              WHERE n.subject_id = p.id
                AND n.occasion = 'decided ' || extract(epoch FROM p.decided_at)::bigint)
        ORDER BY p.id
        "#
    )
    .fetch_all(&kit.db)
    .await?;
    let decided = rows.into_iter().map(|row| Decided {
        id: row.id,
        occasion: row.occasion,
        team_id: row.team_id,
        team: row.team,
        state: row.state,
        reason: row.reason,
        out_reason: row.out_reason,
        track: row.track,
        challenge: row.challenge,
        challenge_slug: row.challenge_slug,
        home: kit.public_url.to_string(),
    });
    Ok(decided.collect())
}

impl Decided {
    fn news(&self) -> Result<News, Error> {
        let Self {
            team,
            track,
            challenge,
            home,
            ..
        } = self;
        let reason = self.reason.as_deref().unwrap_or("none was given");
        let (word, mut text) = match self.state.parse()? {
            State::Approved => (
                "takes part",
                format!("The organizers of {challenge} approved your team {team} for {track}."),
            ),
            State::Disqualified => (
                "is disqualified",
                format!(
                    "The organizers of {challenge} disqualified your team {team} in {track}.\n\n\
                     Their reason: {reason}"
                ),
            ),
            State::Refused | State::Requested | State::Withdrawn => (
                "was refused",
                format!(
                    "The organizers of {challenge} refused your team {team} a place in {track}.\n\n\
                     Their reason: {reason}\n\nYou may ask again."
                ),
            ),
        };
        if let Some(reason) = &self.out_reason {
            text.push_str(&format!("\n\nIt competes out of competition: {reason}"));
        }
        text.push_str(&format!("\n\n{home}join/{}", self.challenge_slug));
        Ok(News {
            subject_id: self.id,
            occasion: self.occasion.clone(),
            team: self.team_id.into(),
            title: format!("{team} {word}: {track}, {challenge}"),
            text,
        })
    }
}
