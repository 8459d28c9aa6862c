use chrono::{DateTime, TimeDelta, Utc};
use molar_domain::phase::SubmissionKind;
use molar_domain::upload::UploadState;
use molar_domain::{FailureCode, PhaseId, SubmissionId, TeamId};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::challenge::{Challenge, sha256_of};
use crate::{Team, noon};

#[derive(Debug, Clone)]
pub struct Submission {
    pub id: SubmissionId,
    pub phase_id: PhaseId,
    pub team_id: TeamId,
    /// In the bucket `uploads`.
    pub object_key: String,
    pub sha256: String,
}

/// A submission whose file was accepted, with its quota reserved.
pub struct SubmissionBuilder<'a> {
    team: &'a Team,
    phase_id: PhaseId,
    kind: SubmissionKind,
    state: UploadState,
    created_at: DateTime<Utc>,
    size_bytes: i64,
    is_cancelled: bool,
    is_withdrawn: bool,
    is_chosen: bool,
    is_trial: bool,
    quota: Vec<&'static str>,
}

impl<'a> SubmissionBuilder<'a> {
    pub fn new(challenge: &Challenge, team: &'a Team) -> Self {
        Self {
            team,
            phase_id: challenge.phase_id,
            kind: SubmissionKind::Predictions,
            state: UploadState::Accepted,
            created_at: noon(),
            size_bytes: 4096,
            is_cancelled: false,
            is_withdrawn: false,
            is_chosen: false,
            is_trial: false,
            quota: vec!["reserved"],
        }
    }

    pub fn phase(mut self, phase: PhaseId) -> Self {
        self.phase_id = phase;
        self
    }

    pub fn container(mut self) -> Self {
        self.kind = SubmissionKind::Container;
        self
    }

    /// A container that runs its canary alone, and reserves no quota.
    pub fn trial(mut self) -> Self {
        self.is_trial = true;
        self.quota.clear();
        self.container()
    }

    pub fn state(mut self, state: UploadState) -> Self {
        self.state = state;
        self
    }

    pub fn created_at(mut self, at: DateTime<Utc>) -> Self {
        self.created_at = at;
        self
    }

    pub fn size_bytes(mut self, size: i64) -> Self {
        self.size_bytes = size;
        self
    }

    pub fn cancelled(mut self) -> Self {
        self.is_cancelled = true;
        self
    }

    pub fn withdrawn(mut self) -> Self {
        self.is_withdrawn = true;
        self
    }

    pub fn chosen(mut self) -> Self {
        self.is_chosen = true;
        self
    }

    /// Without a line in the quota ledger.
    pub fn unreserved(mut self) -> Self {
        self.quota.clear();
        self
    }

    /// The reservation is settled: `spent` or `returned`.
    pub fn settled(mut self, entry: &'static str) -> Self {
        self.quota.push(entry);
        self
    }

    pub async fn insert(self, pool: &PgPool) -> Submission {
        let id = SubmissionId::at(self.created_at);
        let submission = Submission {
            id,
            phase_id: self.phase_id,
            team_id: self.team.id,
            object_key: format!("uploads/{id}"),
            sha256: sha256_of(&id.to_string()),
        };
        let mut conn = pool.acquire().await.expect("a connection");
        self.insert_submission(&mut conn, &submission).await;
        self.insert_upload(&mut conn, &submission).await;
        for entry in &self.quota {
            self.insert_quota(&mut conn, &submission, entry).await;
        }
        submission
    }

    async fn insert_submission(&self, conn: &mut PgConnection, submission: &Submission) {
        let cancelled_at = self.is_cancelled.then_some(self.created_at);
        sqlx::query!(
            "INSERT INTO submission.submissions
                 (id, phase_id, team_id, created_by, kind, created_at, cancelled_at, cancelled_by, is_chosen, withdrawn_at, is_trial)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            submission.id.0,
            submission.phase_id.0,
            submission.team_id.0,
            self.team.captain.0,
            self.kind.as_str(),
            self.created_at,
            cancelled_at,
            cancelled_at.map(|_| self.team.captain.0),
            self.is_chosen,
            self.is_withdrawn.then_some(self.created_at),
            self.is_trial,
        )
        .execute(conn)
        .await
        .expect("a submission");
    }

    async fn insert_upload(&self, conn: &mut PgConnection, submission: &Submission) {
        use UploadState::{Accepted, Checking, Completed, Refused};
        let completed_at = self.created_at + TimeDelta::minutes(1);
        let is_completed = matches!(self.state, Completed | Checking | Accepted | Refused);
        let is_decided = matches!(self.state, Accepted | Refused);
        let is_checking = self.state == Checking;
        let has_image = self.kind == SubmissionKind::Container && self.state == Accepted;
        sqlx::query!(
            "INSERT INTO submission.uploads
                 (submission_id, state, object_key, multipart_id, part_size_bytes, size_bytes, sha256, open_until,
                  completed_at, decided_at, failure, image_digest, image_size_bytes, lease_token, lease_expires_at, not_before)
             VALUES ($1, $2, $3, 'multipart of a test', 5242880, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
            submission.id.0,
            self.state.as_str(),
            submission.object_key,
            self.size_bytes,
            submission.sha256,
            self.created_at + TimeDelta::days(1),
            is_completed.then_some(completed_at),
            is_decided.then_some(completed_at),
            (self.state == Refused).then_some(FailureCode::BadArchive.as_str()),
            has_image.then(|| format!("sha256:{}", submission.sha256)),
            has_image.then_some(1_i64 << 20),
            is_checking.then(Uuid::new_v4),
            is_checking.then_some(self.created_at + TimeDelta::minutes(5)),
            self.created_at,
        )
        .execute(conn)
        .await
        .expect("an upload");
    }

    async fn insert_quota(&self, conn: &mut PgConnection, submission: &Submission, entry: &str) {
        sqlx::query!(
            "INSERT INTO submission.quota_ledger (submission_id, entry, phase_id, team_id, day, created_at)
             VALUES ($1, $2, $3, $4, $5, $6)",
            submission.id.0,
            entry,
            submission.phase_id.0,
            submission.team_id.0,
            self.created_at.date_naive(),
            self.created_at,
        )
        .execute(conn)
        .await
        .expect("a line of the quota ledger");
    }
}
