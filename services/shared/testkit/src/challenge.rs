use chrono::{DateTime, TimeDelta, Utc};
use molar_domain::challenge::Format;
use molar_domain::limits::Limits;
use molar_domain::phase::{Keep, SubmissionKind};
use molar_domain::quota::Quota;
use molar_domain::{
    CaseId, ChallengeId, PhaseId, ReferenceId, ReferenceSetId, SplitId, TrackId, uuid_at,
};
use serde_json::json;
use sqlx::{PgConnection, PgPool};

use crate::noon;

/// The version of the terms that [`crate::TeamBuilder`] signs.
pub const AGREEMENT: &str = "1";
pub const AGREEMENT_TEXT: &str = "Use the data for this challenge only.";

#[derive(Debug, Clone)]
pub struct Case {
    pub id: CaseId,
    pub name: String,
}

/// A challenge with one track, one split whose cases and references are stored and good, and one phase.
#[derive(Debug, Clone)]
pub struct Challenge {
    pub id: ChallengeId,
    pub slug: String,
    pub track_id: TrackId,
    pub split_id: SplitId,
    pub cases: Vec<Case>,
    pub reference_set_id: ReferenceSetId,
    /// In the order of `cases`.
    pub references: Vec<ReferenceId>,
    pub phase_id: PhaseId,
    pub canary: Option<Case>,
    pub limits: Limits,
    pub format: Format,
}

pub struct ChallengeBuilder {
    slug: String,
    format: Format,
    labels: Vec<i32>,
    cases: Vec<String>,
    shape: Vec<i32>,
    has_canary: bool,
    has_references: bool,
    zone: String,
    note: Option<String>,
    phase: PhaseBuilder,
}

impl ChallengeBuilder {
    pub fn new(slug: &str) -> Self {
        Self {
            slug: slug.to_owned(),
            format: Format::Labelme,
            labels: molar_domain::labels::permanent(),
            cases: vec!["Case_01".to_owned(), "Case_02".to_owned()],
            shape: vec![8, 16],
            has_canary: false,
            has_references: true,
            zone: "Europe/Berlin".to_owned(),
            note: None,
            phase: PhaseBuilder::new("validation"),
        }
    }

    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    pub fn labels(mut self, labels: &[i32]) -> Self {
        self.labels = labels.to_vec();
        self
    }

    pub fn cases(mut self, names: &[&str]) -> Self {
        self.cases = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// Of every reference, in voxels.
    pub fn shape(mut self, shape: &[i32]) -> Self {
        self.shape = shape.to_vec();
        self
    }

    /// A public case on which images are tried first.
    pub fn canary(mut self) -> Self {
        self.has_canary = true;
        self
    }

    /// The cases are there and their references are not.
    pub fn without_references(mut self) -> Self {
        self.has_references = false;
        self
    }

    pub fn zone(mut self, zone: &str) -> Self {
        self.zone = zone.to_owned();
        self
    }

    pub fn note(mut self, note: &str) -> Self {
        self.note = Some(note.to_owned());
        self
    }

    pub fn phase(mut self, phase: PhaseBuilder) -> Self {
        self.phase = phase;
        self
    }

    pub async fn insert(self, pool: &PgPool) -> Challenge {
        // At once: a role that serves already would read a reference whose facts are not there yet.
        let mut tx = pool.begin().await.expect("a transaction");
        let conn = &mut *tx;
        let mut challenge = self.insert_frame(conn).await;
        for name in &self.cases {
            let case = insert_case(conn, challenge.split_id, name, "hidden").await;
            if self.has_references {
                let reference = self.insert_reference(conn, &challenge, &case).await;
                challenge.references.push(reference);
            }
            challenge.cases.push(case);
        }
        if self.has_canary {
            let split = insert_split(conn, challenge.track_id, "training", true).await;
            challenge.canary = Some(insert_case(conn, split, "Canary_01", "public").await);
        }
        challenge.limits = self.phase.limits.clone();
        challenge.phase_id = self.phase.insert_into(conn, &challenge).await;
        tx.commit().await.expect("a challenge");
        challenge
    }

    /// Everything above the cases.
    async fn insert_frame(&self, conn: &mut PgConnection) -> Challenge {
        let id = ChallengeId::at(noon());
        sqlx::query!(
            "INSERT INTO tracks.challenges (id, slug, title, summary, zone, note, created_at, updated_at)
             VALUES ($1, $2, $3, 'A challenge of a test.', $4, $5, $6, $6)",
            id.0,
            self.slug,
            format!("Challenge {}", self.slug),
            self.zone,
            self.note,
            noon(),
        )
        .execute(&mut *conn)
        .await
        .expect("a challenge");
        sqlx::query!(
            "INSERT INTO tracks.agreement_texts (challenge_id, version, text, sha256, created_at)
             VALUES ($1, $2, $3, encode(sha256(convert_to($3, 'UTF8')), 'hex'), $4)",
            id.0,
            AGREEMENT,
            AGREEMENT_TEXT,
            noon(),
        )
        .execute(&mut *conn)
        .await
        .expect("terms");
        let track_id = self.insert_track(conn, id).await;
        let split_id = insert_split(conn, track_id, "validation", false).await;
        Challenge {
            id,
            slug: self.slug.clone(),
            track_id,
            split_id,
            cases: Vec::new(),
            reference_set_id: insert_reference_set(conn, split_id).await,
            references: Vec::new(),
            phase_id: PhaseId::at(noon()),
            canary: None,
            limits: Limits::default(),
            format: self.format,
        }
    }

    async fn insert_track(&self, conn: &mut PgConnection, challenge: ChallengeId) -> TrackId {
        let id = TrackId::at(noon());
        sqlx::query!(
            "INSERT INTO tracks.tracks (id, challenge_id, slug, title, format, labels, position)
             VALUES ($1, $2, 'teeth', 'Teeth', $3, $4, 1)",
            id.0,
            challenge.0,
            self.format.as_str(),
            &self.labels,
        )
        .execute(conn)
        .await
        .expect("a track");
        id
    }

    async fn insert_reference(
        &self,
        conn: &mut PgConnection,
        challenge: &Challenge,
        case: &Case,
    ) -> ReferenceId {
        let id = ReferenceId::at(noon());
        sqlx::query!(
            "INSERT INTO tracks.case_references
                 (id, reference_set_id, case_id, object_key, size_bytes, sha256, state, stored_at)
             VALUES ($1, $2, $3, $4, 1024, $5, 'stored', $6)",
            id.0,
            challenge.reference_set_id.0,
            case.id.0,
            format!("references/{id}"),
            sha256_of(&case.name),
            noon(),
        )
        .execute(&mut *conn)
        .await
        .expect("a reference");
        let spacing_mm = (self.format == Format::Nifti).then(|| vec![0.3; 3]);
        sqlx::query!(
            "INSERT INTO scoring.reference_facts
                 (reference_id, case_id, reference_set_id, is_good, shape, labels, sha256, read_at, spacing_mm)
             VALUES ($1, $2, $3, true, $4, $5, $6, $7, $8)",
            id.0,
            case.id.0,
            challenge.reference_set_id.0,
            &self.shape,
            &self.labels,
            sha256_of(&case.name),
            noon(),
            spacing_mm.as_deref(),
        )
        .execute(conn)
        .await
        .expect("facts of a reference");
        id
    }
}

async fn insert_split(
    conn: &mut PgConnection,
    track: TrackId,
    slug: &str,
    is_public: bool,
) -> SplitId {
    let id = SplitId::at(noon());
    sqlx::query!(
        "INSERT INTO tracks.splits (id, track_id, slug, is_public, has_references)
         VALUES ($1, $2, $3, $4, true)",
        id.0,
        track.0,
        slug,
        is_public,
    )
    .execute(conn)
    .await
    .expect("a split");
    id
}

async fn insert_reference_set(conn: &mut PgConnection, split: SplitId) -> ReferenceSetId {
    let id = ReferenceSetId::at(noon());
    sqlx::query!(
        "INSERT INTO tracks.reference_sets (id, split_id, version, created_at) VALUES ($1, $2, 1, $3)",
        id.0,
        split.0,
        noon(),
    )
    .execute(conn)
    .await
    .expect("a set of references");
    id
}

async fn insert_case(conn: &mut PgConnection, split: SplitId, name: &str, bucket: &str) -> Case {
    let id = CaseId::at(noon());
    sqlx::query!(
        "INSERT INTO tracks.cases
             (id, split_id, name, image_bucket, image_key, image_name, size_bytes, sha256, state, created_at, stored_at)
         VALUES ($1, $2, $3, $4, $5, $6, 1024, $7, 'stored', $8, $8)",
        id.0,
        split.0,
        name,
        bucket,
        format!("cases/{id}"),
        format!("{name}.png"),
        sha256_of(name),
        noon(),
    )
    .execute(conn)
    .await
    .expect("a case");
    Case {
        id,
        name: name.to_owned(),
    }
}

/// Not of any content: 64 hexadecimal digits that differ with the text.
pub(crate) fn sha256_of(text: &str) -> String {
    let sum = text
        .bytes()
        .fold(7_u128, |sum, byte| sum.wrapping_mul(31) + u128::from(byte));
    format!("{sum:064x}")
}

/// A phase that is open for a month around [`noon`].
#[derive(Clone)]
pub struct PhaseBuilder {
    slug: String,
    kind: SubmissionKind,
    opens_at: DateTime<Utc>,
    closes_at: DateTime<Utc>,
    upload_grace_s: i32,
    is_final: bool,
    is_published: bool,
    metrics: Vec<String>,
    keep: Keep,
    keep_metric: Option<String>,
    quota: Quota,
    limits: Limits,
    device_class: String,
    requires_code_url: bool,
}

impl PhaseBuilder {
    pub fn new(slug: &str) -> Self {
        Self {
            slug: slug.to_owned(),
            kind: SubmissionKind::Predictions,
            opens_at: noon() - TimeDelta::days(15),
            closes_at: noon() + TimeDelta::days(15),
            upload_grace_s: 3600,
            is_final: false,
            is_published: false,
            metrics: vec!["image_DSC".to_owned(), "IA".to_owned()],
            keep: Keep::Latest,
            keep_metric: None,
            quota: Quota::default(),
            limits: Limits::default(),
            device_class: "cpu".to_owned(),
            requires_code_url: false,
        }
    }

    pub fn kind(mut self, kind: SubmissionKind) -> Self {
        self.kind = kind;
        self
    }

    pub fn window(mut self, opens_at: DateTime<Utc>, closes_at: DateTime<Utc>) -> Self {
        (self.opens_at, self.closes_at) = (opens_at, closes_at);
        self
    }

    pub fn upload_grace_s(mut self, seconds: i32) -> Self {
        self.upload_grace_s = seconds;
        self
    }

    /// Teams see no scores until it is published.
    pub fn is_final(mut self) -> Self {
        self.is_final = true;
        self
    }

    pub fn published(mut self) -> Self {
        self.is_published = true;
        self
    }

    pub fn metrics(mut self, metrics: &[&str]) -> Self {
        self.metrics = metrics.iter().map(|metric| (*metric).to_owned()).collect();
        self
    }

    pub fn keep(mut self, keep: Keep) -> Self {
        self.keep = keep;
        self
    }

    pub fn keep_best(mut self, metric: &str) -> Self {
        (self.keep, self.keep_metric) = (Keep::Best, Some(metric.to_owned()));
        self
    }

    pub fn quota(mut self, quota: Quota) -> Self {
        self.quota = quota;
        self
    }

    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    pub fn device_class(mut self, class: &str) -> Self {
        self.device_class = class.to_owned();
        self
    }

    pub fn requires_code_url(mut self) -> Self {
        self.requires_code_url = true;
        self
    }

    /// One more phase on the split of a challenge that is there.
    pub async fn insert(&self, pool: &PgPool, challenge: &Challenge) -> PhaseId {
        let mut conn = pool.acquire().await.expect("a connection");
        self.insert_into(&mut conn, challenge).await
    }

    async fn insert_into(&self, conn: &mut PgConnection, challenge: &Challenge) -> PhaseId {
        let id = PhaseId(uuid_at(noon()));
        sqlx::query!(
            "INSERT INTO tracks.phases
                 (id, track_id, slug, title, kind, split_id, canary_case_id, position, opens_at, closes_at,
                  upload_grace_s, is_final, published_at, metrics, keep, keep_metric, quota, limits,
                  device_class, requires_code_url)
             VALUES ($1, $2, $3, $3, $4, $5, $6, 1, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
            id.0,
            challenge.track_id.0,
            self.slug,
            self.kind.as_str(),
            challenge.split_id.0,
            challenge.canary.as_ref().map(|case| case.id.0),
            self.opens_at,
            self.closes_at,
            self.upload_grace_s,
            self.is_final,
            self.is_published.then(noon),
            &self.metrics,
            self.keep.as_str(),
            self.keep_metric,
            json!(self.quota),
            json!(self.limits),
            self.device_class,
            self.requires_code_url,
        )
        .execute(conn)
        .await
        .expect("a phase");
        id
    }
}
