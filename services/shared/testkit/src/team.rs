use molar_domain::{ParticipationId, TeamId, UserId, uuid_at};
use sqlx::{PgConnection, PgPool};

use crate::challenge::{AGREEMENT, Challenge};
use crate::{UserBuilder, noon};

#[derive(Debug, Clone)]
pub struct Team {
    pub id: TeamId,
    pub name: String,
    pub captain: UserId,
    pub participation_id: ParticipationId,
}

/// A team that is approved in the challenge's track and whose members signed the terms.
pub struct TeamBuilder<'a> {
    challenge: &'a Challenge,
    name: String,
    members: Vec<UserId>,
    state: String,
    out_reason: Option<String>,
    has_signed: bool,
}

impl<'a> TeamBuilder<'a> {
    pub fn new(challenge: &'a Challenge, name: &str) -> Self {
        Self {
            challenge,
            name: name.to_owned(),
            members: Vec::new(),
            state: "approved".to_owned(),
            out_reason: None,
            has_signed: true,
        }
    }

    /// The first member is the captain; without any, one is made.
    pub fn member(mut self, user: UserId) -> Self {
        self.members.push(user);
        self
    }

    /// Of its participation: `requested`, `approved`, `refused`, `withdrawn`, `disqualified`.
    pub fn state(mut self, state: &str) -> Self {
        self.state = state.to_owned();
        self
    }

    pub fn out_of_competition(mut self, reason: &str) -> Self {
        self.out_reason = Some(reason.to_owned());
        self
    }

    pub fn unsigned(mut self) -> Self {
        self.has_signed = false;
        self
    }

    pub async fn insert(mut self, pool: &PgPool) -> Team {
        if self.members.is_empty() {
            let captain = UserBuilder::new(&format!("Captain of {}", self.name))
                .insert(pool)
                .await;
            self.members.push(captain.id);
        }
        let mut conn = pool.acquire().await.expect("a connection");
        let team = Team {
            id: TeamId::at(noon()),
            name: self.name.clone(),
            captain: self.members[0],
            participation_id: ParticipationId::at(noon()),
        };
        self.insert_team(&mut conn, &team).await;
        for member in &self.members {
            self.insert_member(&mut conn, &team, *member).await;
        }
        team
    }

    async fn insert_team(&self, conn: &mut PgConnection, team: &Team) {
        sqlx::query!(
            "INSERT INTO registration.teams (id, challenge_id, name, captain_id, created_at)
             VALUES ($1, $2, $3, $4, $5)",
            team.id.0,
            self.challenge.id.0,
            self.name,
            team.captain.0,
            noon(),
        )
        .execute(&mut *conn)
        .await
        .expect("a team");
        let needs_reason = matches!(self.state.as_str(), "refused" | "disqualified");
        sqlx::query!(
            "INSERT INTO registration.participations
                 (id, team_id, track_id, state, reason, is_out_of_competition, out_reason, requested_by, requested_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            team.participation_id.0,
            team.id.0,
            self.challenge.track_id.0,
            self.state,
            needs_reason.then_some("a reason of a test"),
            self.out_reason.is_some(),
            self.out_reason,
            team.captain.0,
            noon(),
        )
        .execute(conn)
        .await
        .expect("a participation");
    }

    async fn insert_member(&self, conn: &mut PgConnection, team: &Team, user: UserId) {
        sqlx::query!(
            "INSERT INTO registration.memberships (team_id, user_id, joined_at) VALUES ($1, $2, $3)",
            team.id.0,
            user.0,
            noon(),
        )
        .execute(&mut *conn)
        .await
        .expect("a membership");
        sqlx::query!(
            "INSERT INTO registration.track_memberships (track_id, user_id, team_id) VALUES ($1, $2, $3)",
            self.challenge.track_id.0,
            user.0,
            team.id.0,
        )
        .execute(&mut *conn)
        .await
        .expect("a place in the track");
        if self.has_signed {
            sign(conn, self.challenge, user).await;
        }
    }
}

async fn sign(conn: &mut PgConnection, challenge: &Challenge, user: UserId) {
    sqlx::query!(
        "INSERT INTO registration.agreements
             (id, user_id, challenge_id, version, text_sha256, signed_name, affiliation, signed_at)
         SELECT $1, $2, $3, version, sha256, 'Signed in a test', '', $5
         FROM tracks.agreement_texts WHERE challenge_id = $3 AND version = $4
         ON CONFLICT DO NOTHING",
        uuid_at(noon()),
        user.0,
        challenge.id.0,
        AGREEMENT,
        noon(),
    )
    .execute(conn)
    .await
    .expect("an agreement");
}
