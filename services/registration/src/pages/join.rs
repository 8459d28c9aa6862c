//! `/join/{challenge}`: sign the agreement, make or choose a team, ask for a place in a track.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use molar_domain::challenge::question::{Question, QuestionKind};
use molar_domain::{TeamId, TrackId};
use molar_web_kit::{ApiError, Caller, Kit};
use serde::Deserialize;

use super::{Slips, page, see_other};
use crate::accounts::rows::User;
use crate::agreements::changes::{Line, between};
use crate::agreements::create::{SignAgreement, sign};
use crate::agreements::rows::AgreementView;
use crate::challenges::{AgreementText, Challenge, Track};
use crate::participations::create::CreateParticipation;
use crate::participations::{self, Step};
use crate::sightings::Origin;
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
    /// From the version that was signed before to the one to sign now.
    changes: Option<Changes>,
    teams: Vec<TeamView>,
    tracks: Vec<TrackRow>,
    slips: Slips,
    /// The form for a place as it came, if something in it was wrong.
    asked: Option<Asked>,
}

struct Changes {
    from: String,
    lines: Vec<Line>,
}

struct Asked {
    track_id: TrackId,
    answers: BTreeMap<String, String>,
}

/// A track, where the caller's teams stand in it, and which may ask.
struct TrackRow {
    track: Track,
    places: Vec<(String, PlaceView)>,
    may_ask: Vec<(TeamId, String)>,
}

impl Body<'_> {
    /// What is wrong with an answer.
    fn slip(&self, track: &Track, question: &Question) -> Option<&str> {
        self.asked
            .as_ref()
            .filter(|asked| asked.track_id == track.id)?;
        self.slips.at(&format!("/answers/{}", question.id))
    }

    /// An answer as it was typed.
    fn typed(&self, track: &Track, question: &Question) -> &str {
        let asked = self.asked.as_ref();
        let asked = asked.filter(|asked| asked.track_id == track.id);
        let answer = asked.and_then(|asked| asked.answers.get(&question.id));
        answer.map_or("", String::as_str)
    }

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
    respond(&kit, &caller, &slug, Slips::default(), None).await
}

async fn respond(
    kit: &Kit,
    caller: &Caller,
    slug: &str,
    slips: Slips,
    asked: Option<Asked>,
) -> Result<HttpResponse, ApiError> {
    let challenge = challenges::find_by_slug(&kit.db, slug).await?;
    let agreement = challenges::newest_agreement(&kit.db, challenge.id).await?;
    let signatures = agreements::rows::list(&kit.db, caller.user_id).await?;
    let signed = signatures
        .into_iter()
        .find(|s| s.challenge_id == challenge.id && s.is_newest);
    let changes = match (&agreement, &signed) {
        (Some(newest), None) => changes(kit, caller, &challenge, newest).await?,
        _ => None,
    };
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
        changes,
        teams,
        tracks,
        slips,
        asked,
    };
    let page = page(Some(caller), "Take part", &body)?
        .crumb(crumb.0, crumb.1)
        .status(status);
    Ok(page.respond())
}

async fn changes(
    kit: &Kit,
    caller: &Caller,
    challenge: &Challenge,
    newest: &AgreementText,
) -> Result<Option<Changes>, ApiError> {
    let (user, version) = (caller.user_id, &newest.version);
    let before = challenges::signed_before(&kit.db, user, challenge.id, version).await?;
    Ok(before.map(|before| Changes {
        lines: between(&before.text, &newest.text),
        from: before.version,
    }))
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
        Err(error) => respond(kit, caller, slug, Slips::of(error)?, None).await,
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
    origin: Origin,
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
    let result = sign(&mut tx, &caller, origin, &request, kit.clock.now()).await;
    // The page needs a connection, too.
    match &result {
        Ok(_) => tx.commit().await?,
        Err(_) => tx.rollback().await?,
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
        Err(error) => {
            tx.rollback().await?;
            Err(apart(error.into()))
        }
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

/// Answers come as fields that are called `answer-` and the question's id.
#[derive(Deserialize)]
pub struct PlaceForm {
    team_id: TeamId,
    track_id: TrackId,
    #[serde(flatten)]
    others: BTreeMap<String, String>,
}

impl PlaceForm {
    fn request(self) -> CreateParticipation {
        let answers = self
            .others
            .into_iter()
            .filter_map(|(name, answer)| Some((name.strip_prefix("answer-")?.to_owned(), answer)));
        CreateParticipation {
            team_id: self.team_id,
            track_id: self.track_id,
            answers: answers.collect(),
        }
    }
}

#[tracing::instrument(name = "pages.join.participation", skip_all)]
pub async fn ask(
    kit: web::Data<Kit>,
    caller: Caller,
    origin: Origin,
    slug: web::Path<String>,
    form: web::Form<PlaceForm>,
) -> Result<HttpResponse, ApiError> {
    let request = form.into_inner().request();
    let now = kit.clock.now();
    let mut tx = kit.db.begin().await?;
    let asked = participations::create::request(&mut tx, &caller, origin, &request, now).await;
    match asked {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_other(&format!("/join/{slug}")))
        }
        Err(error) => {
            drop(tx);
            let asked = Asked {
                track_id: request.track_id,
                answers: request.answers,
            };
            respond(&kit, &caller, &slug, Slips::of(error.into())?, Some(asked)).await
        }
    }
}

#[cfg(test)]
mod tests;
