use serde::Serialize;
use sha2::{Digest as _, Sha256};
use sqlx::PgExecutor;
use uuid::Uuid;

#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct AwardView {
    pub title: String,
    pub places: Vec<AwardPlaceView>,
}

#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct AwardPlaceView {
    pub finalist_id: Uuid,
    pub team: String,
    /// Where the board has pseudonyms, organizers and reviewers alone are told.
    pub place: Option<i32>,
}

impl AwardView {
    /// Who is awarded, and not which place: by the names, which say nothing of it.
    pub fn hide_places(&mut self) {
        self.places.sort_by(|a, b| a.team.cmp(&b.team));
        for place in &mut self.places {
            place.place = None;
        }
    }

    pub fn tells_places(&self) -> bool {
        self.places.iter().all(|of| of.place.is_some())
    }
}

/// Stands for what is awarded now: whoever names it changes that and nothing else.
pub fn tag(awards: &[AwardView]) -> String {
    // Names and numbers.
    let said = serde_json::to_vec(awards).unwrap_or_default();
    hex::encode(&Sha256::digest(said)[..16])
}

/// In the order of the page, each with its places in order.
pub async fn list(db: impl PgExecutor<'_>, phase_id: Uuid) -> sqlx::Result<Vec<AwardView>> {
    let rows = sqlx::query!(
        r#"
        SELECT a.position, a.title, l.finalist_id, l.place, m.team_name AS "team!"
        FROM tracks.awards a
        JOIN tracks.award_places l ON l.award_id = a.id
        JOIN tracks.finalists f ON f.id = l.finalist_id
        JOIN tracks.phases p ON p.id = a.phase_id
        JOIN registration.participants m ON m.team_id = f.team_id AND m.track_id = p.track_id
        WHERE a.phase_id = $1
        ORDER BY a.position, l.place, m.team_name, l.finalist_id
        "#,
        phase_id,
    )
    .fetch_all(db)
    .await?;
    let mut awards: Vec<(i32, AwardView)> = Vec::new();
    for row in rows {
        let place = AwardPlaceView {
            finalist_id: row.finalist_id,
            team: row.team,
            place: Some(row.place),
        };
        match awards.last_mut() {
            Some((position, award)) if *position == row.position => award.places.push(place),
            _ => awards.push((
                row.position,
                AwardView {
                    title: row.title,
                    places: vec![place],
                },
            )),
        }
    }
    Ok(awards.into_iter().map(|(_, award)| award).collect())
}
