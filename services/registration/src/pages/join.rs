//! `/join/{challenge}`: sign the agreement, make or choose a team, ask for a place in a track.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use molar_domain::{TeamId, TrackId};
use molar_web_kit::{ApiError, Caller, Kit};
use serde::Deserialize;

use super::{Slips, page, see_other};
use crate::accounts::rows::User;
use crate::agreements::create::{SignAgreement, sign};
use crate::agreements::list::AgreementView;
use crate::challenges::{AgreementText, Challenge, Track};
use crate::participations::create::CreateParticipation;
use crate::participations::{self, Step};
use crate::teams::create::CreateTeam;
use crate::teams::{PlaceView, TeamView};
use crate::{accounts, agreements, challenges, teams};

#[derive(Template)]
#[template(path = "join.html")]
struct Body<'a> {
    challenge: Challenge,
    user: User,
    csrf: &'a str,
    agreement: Option<AgreementText>,
    signed: Option<AgreementView>,
    teams: Vec<TeamView>,
    tracks: Vec<TrackRow>,
    slips: Slips,
}

/// A track, where the caller's teams stand in it, and which may ask.
struct TrackRow {
    track: Track,
    places: Vec<(String, PlaceView)>,
    may_ask: Vec<(TeamId, String)>,
}

impl Body<'_> {
    fn is_signed(&self) -> bool {
        self.agreement.is_none() || self.signed.is_some()
    }

    /// Blank lines part paragraphs.
    fn paragraphs(&self) -> Vec<&str> {
        let text = self
            .agreement
            .as_ref()
            .map_or("", |agreement| agreement.text.as_str());
        text.split("\n\n")
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .collect()
    }
}

impl TrackRow {
    fn of(track: Track, teams: &[TeamView]) -> Self {
        let mut row = Self {
            track,
            places: Vec::new(),
            may_ask: Vec::new(),
        };
        for team in teams {
            let place = team
                .participations
                .iter()
                .find(|place| place.track_id == row.track.id);
            if place.is_none_or(|place| place.state.apply(Step::Request).is_ok()) {
                row.may_ask.push((team.id, team.name.clone()));
            }
            row.places
                .extend(place.map(|place| (team.name.clone(), place.clone())));
        }
        // One team per person and track: where one is in, no other may ask.
        if row
            .places
            .iter()
            .any(|(_, place)| place.state.binds_members())
        {
            row.may_ask.clear();
        }
        row
    }
}

pub async fn show(
    kit: web::Data<Kit>,
    caller: Caller,
    slug: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    respond(&kit, &caller, &slug, Slips::default()).await
}

async fn respond(
    kit: &Kit,
    caller: &Caller,
    slug: &str,
    slips: Slips,
) -> Result<HttpResponse, ApiError> {
    let challenge = challenges::find_by_slug(&kit.db, slug).await?;
    let agreement = challenges::newest_agreement(&kit.db, challenge.id).await?;
    let signatures = agreements::rows::list(&kit.db, caller.user_id).await?;
    let signed = signatures
        .into_iter()
        .find(|s| s.challenge_id == challenge.id && s.is_newest);
    let mut teams = teams::rows::list(&kit.db, &caller.teams).await?;
    teams.retain(|team| team.challenge_id == challenge.id);
    let tracks = challenges::tracks(&kit.db, challenge.id).await?;
    let tracks = tracks
        .into_iter()
        .map(|track| TrackRow::of(track, &teams))
        .collect();

    let status = if slips.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let user = accounts::rows::find(&kit.db, caller.user_id).await?;
    let crumb = (
        challenge.title.clone(),
        format!("/challenges/{}", challenge.slug),
    );
    let csrf = caller.csrf_token();
    let body = Body {
        challenge,
        user,
        csrf,
        agreement,
        signed,
        teams,
        tracks,
        slips,
    };
    let page = page(Some(caller), "Take part", &body)?
        .crumb(crumb.0, crumb.1)
        .status(status);
    Ok(page.respond())
}

/// Back to the page, or the page with what was wrong.
async fn done(
    kit: &Kit,
    caller: &Caller,
    slug: &str,
    result: Result<(), ApiError>,
) -> Result<HttpResponse, ApiError> {
    match result {
        Ok(()) => Ok(see_other(&format!("/join/{slug}"))),
        Err(error) => respond(kit, caller, slug, Slips::of(error)?).await,
    }
}

#[derive(Deserialize)]
pub struct AgreementForm {
    version: String,
    text_sha256: String,
    name: String,
    affiliation: String,
}

#[tracing::instrument(name = "pages.join.agreement", skip_all)]
pub async fn sign_agreement(
    kit: web::Data<Kit>,
    caller: Caller,
    slug: web::Path<String>,
    form: web::Form<AgreementForm>,
) -> Result<HttpResponse, ApiError> {
    let form = form.into_inner();
    let request = SignAgreement {
        challenge: slug.clone(),
        version: form.version,
        text_sha256: form.text_sha256,
        name: form.name,
        affiliation: form.affiliation,
    };
    let mut tx = kit.db.begin().await?;
    let result = sign(&mut tx, &caller, &request, kit.clock.now()).await;
    if result.is_ok() {
        tx.commit().await?;
    }
    done(
        &kit,
        &caller,
        &slug,
        result.map(drop).map_err(ApiError::from),
    )
    .await
}

#[derive(Deserialize)]
pub struct TeamForm {
    team: String,
}

#[tracing::instrument(name = "pages.join.team", skip_all)]
pub async fn make_team(
    kit: web::Data<Kit>,
    caller: Caller,
    slug: web::Path<String>,
    form: web::Form<TeamForm>,
) -> Result<HttpResponse, ApiError> {
    let request = CreateTeam {
        challenge_id: None,
        challenge: Some(slug.clone()),
        name: form.into_inner().team,
    };
    let mut tx = kit.db.begin().await?;
    let made = teams::create::insert(&mut tx, &caller, &request, kit.clock.now()).await;
    let result = match made {
        Ok(_) => Ok(tx.commit().await?),
        Err(error) => Err(apart(error.into())),
    };
    done(&kit, &caller, &slug, result).await
}

/// The page has two fields called name: this complaint is the team's.
fn apart(error: ApiError) -> ApiError {
    match error {
        ApiError::Invalid(mut complaints) => {
            for complaint in &mut complaints {
                if complaint.pointer == "/name" {
                    complaint.pointer = "/team".into();
                }
            }
            ApiError::Invalid(complaints)
        }
        other => other,
    }
}

#[derive(Deserialize)]
pub struct PlaceForm {
    team_id: TeamId,
    track_id: TrackId,
}

#[tracing::instrument(name = "pages.join.participation", skip_all)]
pub async fn ask(
    kit: web::Data<Kit>,
    caller: Caller,
    slug: web::Path<String>,
    form: web::Form<PlaceForm>,
) -> Result<HttpResponse, ApiError> {
    let PlaceForm { team_id, track_id } = form.into_inner();
    let request = CreateParticipation { team_id, track_id };
    let mut tx = kit.db.begin().await?;
    let asked = participations::create::request(&mut tx, &caller, &request, kit.clock.now()).await;
    let result = match asked {
        Ok(_) => Ok(tx.commit().await?),
        Err(error) => Err(error.into()),
    };
    done(&kit, &caller, &slug, result).await
}

#[cfg(test)]
mod tests {
    use molar_web_kit::testing::person;
    use sqlx::PgPool;

    use crate::testing::{Api, challenge, signature};

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_newcomer_signs_makes_a_team_and_asks(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let ada = person(&pool, "Ada").await;
        let browser = api.browser(&ada);
        let (_, html) = browser.page("/join/demo").await;
        assert!(html.contains("Version 1: for research only."), "{html}");
        assert!(
            !html.contains("/join/demo/participation"),
            "sign first: {html}"
        );

        let signature = signature("1");
        let hash = signature["text_sha256"].as_str().unwrap();
        let mut fields = vec![
            ("version", "1"),
            ("text_sha256", hash),
            ("name", "Ada"),
            ("affiliation", ""),
        ];
        let (status, html) = browser
            .submit("/join/demo", "/join/demo/agreement", &fields)
            .await;
        assert_eq!(status, 422);
        assert!(
            html.contains("must have 1 to 200 characters, has 0"),
            "{html}"
        );
        fields[3].1 = "Analytical Society";
        let back = (303, "/join/demo".to_owned());
        assert_eq!(
            browser
                .submit("/join/demo", "/join/demo/agreement", &fields)
                .await,
            back
        );

        let team = [("team", "Molars")];
        assert_eq!(
            browser.submit("/join/demo", "/join/demo/team", &team).await,
            back
        );
        let (status, html) = browser.submit("/join/demo", "/join/demo/team", &team).await;
        assert_eq!(status, 422);
        assert!(
            html.contains("the challenge has a team of this name already"),
            "{html}"
        );

        let team = api.of(&ada).get("/api/v1/teams").await.1["items"][0]["id"].clone();
        let track = demo.track.to_string();
        let place = [
            ("team_id", team.as_str().unwrap()),
            ("track_id", track.as_str()),
        ];
        assert_eq!(
            browser
                .submit("/join/demo", "/join/demo/participation", &place)
                .await,
            back
        );
        let (_, html) = browser.page("/join/demo").await;
        assert!(html.contains("badge-requested"), "{html}");
        let (status, html) = browser
            .submit("/join/demo", "/join/demo/participation", &place)
            .await;
        assert_eq!(status, 422);
        assert!(
            html.contains("the team has asked for this place already"),
            "{html}"
        );
        assert_eq!(browser.page("/join/none").await.0, 404);
    }
}
