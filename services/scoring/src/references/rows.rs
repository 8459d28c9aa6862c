use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

/// A reference whose facts are not known yet.
pub struct Unread {
    pub reference_id: Uuid,
    pub reference_set_id: Uuid,
    pub case_id: Uuid,
    pub case_name: String,
    pub object_key: String,
    pub size_bytes: i64,
    pub sha256: String,
    pub format: String,
    pub labels: Vec<i32>,
    /// Where it lies: `references`, or `public` for labels to train with.
    pub bucket: String,
    /// Of the case's image, as far as that tells.
    pub image_shape: Option<Vec<i32>>,
    pub image_spacing_mm: Option<Vec<f64>>,
    pub image_affine: Option<Vec<f64>>,
    /// Whether some phase measures it in mm.
    pub needs_spacing: bool,
}

/// Metrics in mm, as `Measure::needs_spacing` has them.
const IN_MM: &str = "^(image|instance)_(HD|HD95|ASSD|NSD@[0-9.]+mm)(/|$)";

/// What reading a reference showed.
#[derive(Debug, Default, PartialEq)]
pub struct Facts {
    /// What is wrong with it, and how to mend it; a good one has none.
    pub complaint: Option<String>,
    /// What is odd about it, and no reason to refuse it.
    pub warning: Option<String>,
    /// `[height, width]` or `[x, y, z]`.
    pub shape: Vec<i32>,
    pub labels: Vec<i32>,
    /// Along x, y, z; of a volume. Empty where it says none.
    pub spacing_mm: Option<Vec<f64>>,
    /// Of what was read; empty where there was nothing to read.
    pub sha256: String,
}

/// References that were not read, again those whose image was replaced, or that lay not in the store as announced, and volumes of
/// which the spacing was not asked for, or not needed, when they were read.
pub async fn list_unread(
    db: impl PgExecutor<'_>,
    now: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<Unread>> {
    sqlx::query_as!(
        Unread,
        r#"SELECT r.reference_id AS "reference_id!", r.reference_set_id AS "reference_set_id!",
                  r.case_id AS "case_id!", r.case_name AS "case_name!", r.object_key AS "object_key!",
                  r.size_bytes AS "size_bytes!", r.sha256 AS "sha256!", r.format AS "format!", r.labels AS "labels!",
                  r.bucket AS "bucket!", r.image_shape, r.image_spacing_mm, r.image_affine,
                  p.needs_spacing AS "needs_spacing!"
           FROM tracks.stored_references r
           LEFT JOIN scoring.reference_facts f ON f.reference_id = r.reference_id
           CROSS JOIN LATERAL (
               SELECT EXISTS (SELECT FROM tracks.phase_facts p, unnest(p.metrics) metric
                              WHERE p.split_id = r.split_id AND metric ~ $3) AS needs_spacing) p
           WHERE f.reference_id IS NULL OR f.image_shape IS DISTINCT FROM r.image_shape OR (f.sha256 <> r.sha256 AND f.read_at < $1)
              OR (r.format = 'nifti' AND f.is_good
                  AND (f.spacing_mm IS NULL OR f.spacing_mm = '{}' AND p.needs_spacing))
           ORDER BY r.reference_id LIMIT $2"#,
        now - TimeDelta::seconds(15),
        limit,
        IN_MM,
    )
    .fetch_all(db)
    .await
}

/// What is known of a file is known of it in every version of the set that shares it.
pub async fn share_facts(db: impl PgExecutor<'_>, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let shared = sqlx::query!(
        "INSERT INTO scoring.reference_facts
             (reference_id, case_id, reference_set_id, is_good, shape, labels, spacing_mm, sha256, read_at,
              warning, image_shape)
         SELECT r.reference_id, r.case_id, r.reference_set_id, true, k.shape, k.labels, k.spacing_mm, k.sha256, $1,
                k.warning, k.image_shape
         FROM tracks.stored_references r
         JOIN tracks.corrected_references c ON c.reference_id = r.reference_id
         JOIN scoring.reference_facts k ON k.reference_id = c.before_id AND k.sha256 = r.sha256 AND k.is_good
         WHERE NOT EXISTS (SELECT FROM scoring.reference_facts f WHERE f.reference_id = r.reference_id)
         ON CONFLICT DO NOTHING",
        now,
    )
    .execute(db)
    .await?;
    Ok(shared.rows_affected())
}

/// What a corrected reference has to have in common with the one before.
pub struct Before {
    pub shape: Vec<i32>,
}

/// None where it corrects nothing.
pub async fn before(db: impl PgExecutor<'_>, reference: Uuid) -> sqlx::Result<Option<Before>> {
    sqlx::query_as!(
        Before,
        "SELECT f.shape FROM tracks.corrected_references c
         JOIN scoring.reference_facts f ON f.reference_id = c.before_id AND f.is_good
         WHERE c.reference_id = $1",
        reference,
    )
    .fetch_optional(db)
    .await
}

/// Reading twice gives the same facts, so that it does not matter who writes last.
pub async fn upsert(
    db: impl PgExecutor<'_>,
    of: &Unread,
    facts: &Facts,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO scoring.reference_facts
             (reference_id, case_id, reference_set_id, is_good, complaint, shape, labels, spacing_mm, sha256, read_at,
              image_shape, warning)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         ON CONFLICT (reference_id) DO UPDATE SET
             is_good = EXCLUDED.is_good, complaint = EXCLUDED.complaint, shape = EXCLUDED.shape,
             labels = EXCLUDED.labels, spacing_mm = EXCLUDED.spacing_mm, sha256 = EXCLUDED.sha256, read_at = EXCLUDED.read_at,
             image_shape = EXCLUDED.image_shape, warning = EXCLUDED.warning",
        of.reference_id,
        of.case_id,
        of.reference_set_id,
        facts.complaint.is_none(),
        facts.complaint,
        &facts.shape,
        &facts.labels,
        facts.spacing_mm.as_deref(),
        facts.sha256,
        now,
        of.image_shape.as_deref(),
        facts.warning,
    )
    .execute(db)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use molar_metrics::Measure;
    use sqlx::PgPool;

    use super::*;

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_metric_in_mm_is_told_by_its_name(owner: PgPool) {
        let mut measures = Measure::catalogue();
        let further = [
            "instance_HD/upper",
            "instance_NSD@0.5mm/mm",
            "instance_DSC/mm",
            "instance_DSC/a_HD",
        ];
        measures.extend(further.map(|name| name.parse::<Measure>().unwrap()));
        let names: Vec<_> = measures.iter().map(Measure::to_string).collect();
        let told = sqlx::query_scalar!(
            r#"SELECT name ~ $2 AS "is_told!" FROM unnest($1::text[]) name"#,
            &names,
            IN_MM
        );
        let told = told.fetch_all(&owner).await.unwrap();
        for (measure, is_told) in measures.iter().zip(told) {
            assert_eq!(is_told, measure.needs_spacing(), "{measure}");
        }
    }
}
