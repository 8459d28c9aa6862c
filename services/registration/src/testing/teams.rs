//! Teams: who is in them, what they take part in and what they handed in.

use molar_domain::TrackId;
use molar_web_kit::testing::{Person, noon};
use serde_json::json;
use sqlx::PgPool;

use super::answers::id_of;
use super::api::{Api, As};
use super::challenges::{Challenge, signature};

/// Signs the newest of the first few versions.
pub async fn sign(api: &Api, person: &Person) {
    sign_as(&api.of(person)).await;
}

pub async fn sign_as(person: &As) {
    for version in ["2", "1"] {
        let (status, _) = person.post("/api/v1/agreements", signature(version)).await;
        if status == 201 {
            return;
        }
    }
    panic!("nothing to sign");
}

pub async fn team(api: &Api, captain: &Person, name: &str) -> String {
    team_of(&api.of(captain), name).await
}

pub async fn team_of(captain: &As, name: &str) -> String {
    let body = json!({"challenge": "demo", "name": name});
    id_of(&captain.post("/api/v1/teams", body).await.1)
}

pub async fn invitation(api: &Api, member: &Person, team: &str) -> String {
    invitation_of(&api.of(member), team).await
}

pub async fn invitation_of(member: &As, team: &str) -> String {
    let path = format!("/api/v1/teams/{team}/invitations");
    let (status, made) = member.post(&path, json!({})).await;
    assert_eq!(status, 201, "{made}");
    made["token"].as_str().expect("a token").to_owned()
}

pub async fn join(api: &Api, team: &str, member: &Person, new: &Person) {
    let token = invitation(api, member, team).await;
    let path = format!("/api/v1/invitations/{token}/accept");
    let (status, joined) = api.of(new).post(&path, json!({})).await;
    assert_eq!(status, 200, "{joined}");
}

pub async fn participation(api: &Api, member: &Person, team: &str, track: TrackId) -> String {
    participation_of(&api.of(member), team, track).await
}

pub async fn participation_of(member: &As, team: &str, track: TrackId) -> String {
    let body = json!({"team_id": team, "track_id": track});
    let (status, made) = member.post("/api/v1/participations", body).await;
    assert_eq!(status, 201, "{made}");
    id_of(&made)
}

/// As an organizer would have decided.
pub async fn set_state(owner: &PgPool, participation: &str, state: &str) {
    let id: uuid::Uuid = participation.parse().expect("an id");
    sqlx::query!(
        "UPDATE registration.participations SET state = $2 WHERE id = $1",
        id,
        state
    )
    .execute(owner)
    .await
    .expect("a decision");
}

/// Signs, and makes a team with its place in the first track: the ids of the team and of the place.
pub async fn approved_team(
    owner: &PgPool,
    challenge: &Challenge,
    captain: &As,
    name: &str,
) -> (String, String) {
    sign_as(captain).await;
    let team = team_of(captain, name).await;
    let place = participation_of(captain, &team, challenge.track).await;
    set_state(owner, &place, "approved").await;
    (team, place)
}

/// An accepted file: a container where it has an image, predictions otherwise.
pub async fn handed_in(
    owner: &PgPool,
    team: &str,
    by: &Person,
    phase: uuid::Uuid,
    sha256: &str,
    image: Option<&str>,
) -> uuid::Uuid {
    let id = uuid::Uuid::now_v7();
    let team: uuid::Uuid = team.parse().expect("an id");
    let kind = image.map_or("predictions", |_| "container");
    sqlx::query!(
        "INSERT INTO submission.submissions (id, phase_id, team_id, created_by, kind, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        id,
        phase,
        team,
        by.id.0,
        kind,
        noon(),
    )
    .execute(owner)
    .await
    .expect("a submission");
    sqlx::query!(
        "INSERT INTO submission.uploads
             (submission_id, state, object_key, multipart_id, part_size_bytes, size_bytes, sha256,
              open_until, completed_at, decided_at, image_digest, not_before)
         VALUES ($1, 'accepted', $2, 'm', 5, 5, $3, $4, $4, $4, $5, $4)",
        id,
        id.to_string(),
        sha256,
        noon(),
        image,
    )
    .execute(owner)
    .await
    .expect("an upload");
    id
}
