//! `GET /api/v1/challenges/{slug}/complaints`

use actix_web::web;
use molar_domain::ChallengeId;
use molar_web_kit::{ApiError, Caller, Kit};
use serde::Serialize;
use sqlx::PgPool;
use uuid::Uuid;

use super::rows;
use crate::Error;

/// As many as somebody mends in a sitting.
const MOST: i64 = 500;

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ComplaintList {
    pub items: Vec<DataComplaint>,
    /// There are more than are told here.
    pub is_cut: bool,
    /// What is there, split by split.
    pub splits: Vec<SplitCounts>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct DataComplaint {
    /// `track/split`
    pub split: String,
    /// The file, as it was uploaded; absent where the split as a whole is meant.
    pub file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case_id: Option<Uuid>,
    pub what: String,
    /// What to do about it.
    pub mend: String,
    /// Whether it keeps a phase from taking submissions.
    pub blocks: bool,
}

#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SplitCounts {
    #[serde(skip)]
    pub split_id: Uuid,
    /// `track/split`
    pub split: String,
    pub has_phase: bool,
    pub stored_cases: i64,
    pub announced_cases: Option<i32>,
    /// Cases with a reference.
    pub labelled: i64,
    pub announced_labelled: Option<i32>,
    /// Axial slices of all volumes.
    pub slices: i64,
    pub announced_slices: Option<i32>,
    pub good_references: i64,
    /// Of images and references.
    pub size_bytes: i64,
}

/// What is wrong with the data of a challenge, in which file, and what to do; for organizers and
/// reviewers.
#[utoipa::path(
    get,
    path = "/api/v1/challenges/{slug}/complaints",
    tag = "challenges",
    params(("slug" = String, Path)),
    responses((status = OK, body = ComplaintList))
)]
#[tracing::instrument(name = "challenges.complaints", skip_all)]
pub async fn complaints(
    kit: web::Data<Kit>,
    caller: Caller,
    slug: web::Path<String>,
) -> Result<web::Json<ComplaintList>, ApiError> {
    let challenge = rows::find(&kit.db, &slug).await?;
    caller.require_reviewer(ChallengeId(challenge.id))?;
    Ok(web::Json(list(&kit.db, challenge.id).await?))
}

pub async fn list(db: &PgPool, challenge: Uuid) -> Result<ComplaintList, Error> {
    let splits = counts(db, challenge).await?;
    let mut items: Vec<_> = splits.iter().flat_map(SplitCounts::complaints).collect();
    items.extend(canaries(db, challenge).await?);
    let mut files = files(db, challenge).await?;
    let most = usize::try_from(MOST).unwrap_or(usize::MAX);
    let is_cut = files.len() > most;
    files.truncate(most);
    items.extend(files);
    // What keeps a phase closed comes first.
    items.sort_by_key(|item| !item.blocks);
    Ok(ComplaintList {
        items,
        is_cut,
        splits,
    })
}

async fn counts(db: &PgPool, challenge: Uuid) -> sqlx::Result<Vec<SplitCounts>> {
    sqlx::query_as!(
        SplitCounts,
        r#"
        SELECT s.id AS split_id, t.slug || '/' || s.slug AS "split!",
               EXISTS (SELECT FROM tracks.phases p WHERE p.split_id = s.id) AS "has_phase!",
               n.stored_cases AS "stored_cases!", s.announced_cases, n.labelled AS "labelled!",
               s.announced_labelled, n.slices AS "slices!", s.announced_slices,
               n.good_references AS "good_references!",
               n.stored_bytes + n.reference_bytes AS "size_bytes!"
        FROM tracks.splits s
        JOIN tracks.tracks t ON t.id = s.track_id
        JOIN tracks.split_counts n ON n.split_id = s.id
        WHERE t.challenge_id = $1 ORDER BY t.position, s.id
        "#,
        challenge,
    )
    .fetch_all(db)
    .await
}

impl SplitCounts {
    /// Where what is stored is not what the challenge file promises.
    pub fn complaints(&self) -> Vec<DataComplaint> {
        let mut found = Vec::new();
        let mut say = |what: String, mend: &str| {
            found.push(DataComplaint {
                split: self.split.clone(),
                file: None,
                case_id: None,
                what,
                mend: mend.to_owned(),
                blocks: self.has_phase,
            });
        };
        if self.stored_cases == 0 && self.has_phase {
            say(
                "no case is stored yet".into(),
                "upload the cases with `molar upload-cases`",
            );
        }
        let promised = [
            ("cases are stored", self.stored_cases, self.announced_cases),
            ("have a reference", self.labelled, self.announced_labelled),
            ("slices are stored", self.slices, self.announced_slices),
        ];
        for (of, there, announced) in promised {
            let Some(announced) = announced.filter(|n| i64::from(*n) != there) else {
                continue;
            };
            let mend = if there < i64::from(announced) {
                "upload the rest, or correct the challenge file"
            } else {
                "remove what does not belong here, or correct the challenge file"
            };
            say(
                format!("{there} {of}, the challenge file announces {announced}"),
                mend,
            );
        }
        let unread = self.labelled - self.good_references;
        if unread > 0 && self.has_phase {
            say(
                format!(
                    "{} of {} references were read and found good",
                    self.good_references, self.labelled
                ),
                "mend those that are told below; the others are being read, look again in a minute",
            );
        }
        found
    }
}

async fn canaries(db: &PgPool, challenge: Uuid) -> sqlx::Result<Vec<DataComplaint>> {
    let missing = sqlx::query!(
        r#"
        SELECT t.slug AS track, p.slug, p.canary_case AS "canary_case!"
        FROM tracks.phases p JOIN tracks.tracks t ON t.id = p.track_id
        WHERE t.challenge_id = $1 AND p.canary_case IS NOT NULL AND p.canary_case_id IS NULL
        ORDER BY t.position, p.position
        "#,
        challenge,
    )
    .fetch_all(db)
    .await?;
    let missing = missing.into_iter().map(|row| {
        let (split, case) = row.canary_case.split_once('/').unwrap_or_default();
        DataComplaint {
            split: format!("{}/{split}", row.track),
            file: Some(case.to_owned()),
            case_id: None,
            what: format!(
                "the phase {} tries images on this case, which is not stored",
                row.slug
            ),
            mend: "upload the case, or name another canary in the challenge file".into(),
            blocks: true,
        }
    });
    Ok(missing.collect())
}

/// One case may have several.
async fn files(db: &PgPool, challenge: Uuid) -> sqlx::Result<Vec<DataComplaint>> {
    let rows = sqlx::query!(
        r#"
        SELECT t.slug || '/' || s.slug AS "split!", t.format, c.id, c.name, c.image_name, c.state, c.image_complaint,
               EXISTS (SELECT FROM tracks.phases p WHERE p.split_id = s.id) AS "has_phase!",
               s.has_references, r.state AS "reference_state?", f.complaint AS "complaint?", f.warning AS "warning?"
        FROM tracks.cases c
        JOIN tracks.splits s ON s.id = c.split_id
        JOIN tracks.tracks t ON t.id = s.track_id
        LEFT JOIN tracks.reference_sets v ON v.id =
            (SELECT n.id FROM tracks.reference_sets n WHERE n.split_id = s.id ORDER BY n.version DESC LIMIT 1)
        LEFT JOIN tracks.case_references r ON r.case_id = c.id AND r.reference_set_id = v.id
        LEFT JOIN scoring.reference_facts f ON f.reference_id = r.id
        WHERE t.challenge_id = $1 AND c.state <> 'removed'
          AND (c.state = 'announced' OR c.image_complaint IS NOT NULL OR NOT f.is_good OR f.warning IS NOT NULL
               OR r.state = 'announced'
               OR (r.id IS NULL AND s.has_references
                   AND EXISTS (SELECT FROM tracks.phases p WHERE p.split_id = s.id)))
        ORDER BY t.position, s.id, c.name LIMIT $2
        "#,
        challenge,
        MOST + 1,
    )
    .fetch_all(db)
    .await?;
    let mut found = Vec::new();
    for row in rows {
        let reference = match row.format.as_str() {
            "nifti" => format!("{}_Mask.nii.gz", row.name),
            _ => format!("{}_Mask.json", row.name),
        };
        let mut say = |file: &str, what: &str, mend: &str, blocks: bool| {
            found.push(DataComplaint {
                split: row.split.clone(),
                file: Some(file.to_owned()),
                case_id: Some(row.id),
                what: what.to_owned(),
                mend: mend.to_owned(),
                blocks,
            });
        };
        if row.state == "announced" {
            let what = "was announced and never arrived";
            say(
                &row.image_name,
                what,
                "run `molar upload-cases` again, or remove the case",
                false,
            );
        }
        if let Some(what) = &row.image_complaint {
            let mend = "upload the mended image with `molar upload-cases --replace`";
            say(&row.image_name, what, mend, row.has_phase);
        }
        if let Some(what) = &row.complaint {
            let mend = "upload the mended reference with `molar upload-cases`";
            say(&reference, what, mend, row.has_phase);
        }
        if let Some(what) = &row.warning {
            let mend = "look whether image and reference lie on each other; nothing has to be done if they do";
            say(&reference, what, mend, false);
        }
        let is_missing = row.has_references && row.state == "stored";
        if is_missing && row.reference_state.as_deref() != Some("stored") && row.has_phase {
            let mend = "upload it with `molar upload-cases`";
            say(&reference, "is missing", mend, true);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use molar_testkit::ChallengeBuilder;
    use molar_web_kit::testing::{organizer, person};
    use serde_json::Value;
    use sqlx::PgPool;

    use super::*;
    use crate::testing::Api;

    fn counts(stored: i64, labelled: i64) -> SplitCounts {
        SplitCounts {
            split_id: Uuid::nil(),
            split: "opg/test".into(),
            has_phase: true,
            stored_cases: stored,
            announced_cases: Some(50),
            labelled,
            announced_labelled: Some(50),
            slices: 0,
            announced_slices: None,
            good_references: labelled,
            size_bytes: 0,
        }
    }

    #[test]
    fn what_is_stored_is_held_against_what_was_announced() {
        let told = |counts: SplitCounts| -> Vec<String> {
            let complaints = counts.complaints().into_iter();
            complaints
                .map(|c| format!("{}: {}", c.what, c.mend))
                .collect()
        };
        assert!(told(counts(50, 50)).is_empty());
        insta::assert_debug_snapshot!(told(counts(51, 49)), @r#"
        [
            "51 cases are stored, the challenge file announces 50: remove what does not belong here, or correct the challenge file",
            "49 have a reference, the challenge file announces 50: upload the rest, or correct the challenge file",
        ]
        "#);
        let other = SplitCounts {
            has_phase: false,
            announced_cases: None,
            announced_labelled: None,
            slices: 7,
            announced_slices: Some(8),
            ..counts(0, 0)
        };
        assert!(other.complaints().iter().all(|c| !c.blocks));
        assert_eq!(other.complaints().len(), 1);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn everything_that_is_wrong_is_one_list_and_keeps_the_phase_closed(pool: PgPool) {
        let demo = ChallengeBuilder::new("demo").cases(&["Case_1", "Case_2", "Case_3"]);
        let demo = demo.insert(&pool).await;
        let api = Api::new(&pool).await;
        let olga = api.of(&organizer(&pool, "Olga", demo.id).await);
        let path = "/api/v1/challenges/demo/complaints";
        let ready = || async {
            let (_, phase) = olga.get(&format!("/api/v1/phases/{}", demo.phase_id)).await;
            phase["readiness"]["is_ready"].clone()
        };
        let (_, good) = olga.get(path).await;
        assert_eq!(
            (&good["items"], ready().await),
            (&serde_json::json!([]), Value::Bool(true))
        );

        let spoils = [
            (
                "UPDATE tracks.cases SET image_complaint = 'the PNG is damaged' WHERE name = 'Case_1'",
                "UPDATE tracks.cases SET image_complaint = NULL",
            ),
            (
                "UPDATE scoring.reference_facts f SET is_good = false, complaint = 'has no tooth'
                 FROM tracks.cases c WHERE c.id = f.case_id AND c.name = 'Case_2'",
                "UPDATE scoring.reference_facts SET is_good = true, complaint = NULL",
            ),
            (
                "UPDATE tracks.splits SET announced_cases = 4",
                "UPDATE tracks.splits SET announced_cases = 3",
            ),
            (
                "UPDATE tracks.splits SET announced_labelled = 2",
                "UPDATE tracks.splits SET announced_labelled = 3",
            ),
            (
                "UPDATE tracks.splits SET announced_slices = 1",
                "UPDATE tracks.splits SET announced_slices = NULL",
            ),
        ];
        for (spoil, mend) in spoils {
            sqlx::raw_sql(spoil).execute(&pool).await.unwrap();
            assert_eq!(ready().await, false, "{spoil}");
            sqlx::raw_sql(mend).execute(&pool).await.unwrap();
            assert_eq!(ready().await, true, "{mend}");
        }
        for (spoil, _) in &spoils[..3] {
            sqlx::raw_sql(*spoil).execute(&pool).await.unwrap();
        }
        let (status, list) = olga.get(path).await;
        assert_eq!(status, 200);
        let lines: Vec<_> = list["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| {
                let text = |name: &str| item[name].as_str().unwrap_or("-").to_owned();
                format!("{} {}: {}", text("split"), text("file"), text("what"))
            })
            .collect();
        insta::assert_debug_snapshot!(lines, @r#"
        [
            "teeth/validation -: 3 cases are stored, the challenge file announces 4",
            "teeth/validation -: 2 of 3 references were read and found good",
            "teeth/validation Case_1.png: the PNG is damaged",
            "teeth/validation Case_2_Mask.json: has no tooth",
        ]
        "#);
        let eve = api.of(&person(&pool, "Eve").await);
        assert_eq!(eve.get(path).await.0, 403);
    }
}
