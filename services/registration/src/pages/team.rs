//! `/teams/{id}`

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use molar_domain::{ParticipationId, TeamId, UserId};
use molar_web_kit::{ApiError, Caller, Kit};
use serde::Deserialize;
use uuid::Uuid;

use super::{Slips, page, see_other};
use crate::invitations::create::{InvitationView, invite};
use crate::invitations::list::list_for;
use crate::invitations::revoke::take_back;
use crate::invitations::rows::{InvitationItem, InvitationState};
use crate::participations::list::of_team;
use crate::participations::rows::{FinalRanks, final_ranks};
use crate::participations::withdraw::withdraw_team;
use crate::participations::{ParticipationView, State, Step};
use crate::teams::PlaceView;
use crate::teams::find::{TeamWithMembers, find_for};
use crate::teams::hand_over::hand_team_over;
use crate::teams::leave::leave_team;
use crate::teams::remove::remove_member;
use crate::teams::rename::{Rename, rename_team};
use crate::teams::unlock::unlock_team;
use crate::{Error, teams};

#[derive(Template)]
#[template(path = "team.html")]
struct Body<'a> {
    view: TeamWithMembers,
    csrf: &'a str,
    is_member: bool,
    is_captain: bool,
    shows_emails: bool,
    is_organizer: bool,
    invitation: Option<InvitationView>,
    invitations: Vec<InvitationItem>,
    answers: Vec<ParticipationView>,
    final_ranks: Vec<FinalRanks>,
    has_submitted: bool,
    slips: Slips,
}

impl Body<'_> {
    fn is_open(&self, invitation: &InvitationItem) -> bool {
        self.is_captain && invitation.state == InvitationState::Open
    }

    fn can_withdraw(&self, place: &PlaceView) -> bool {
        self.is_captain && !self.is_kept(place) && place.state.apply(Step::Withdraw).is_ok()
    }

    /// Only by organizers it leaves the ranks of this track.
    fn is_kept(&self, place: &PlaceView) -> bool {
        let mut tracks = self.final_ranks.iter().map(|of| of.track_id);
        place.state == State::Approved && tracks.any(|track| track == place.track_id)
    }
}

pub async fn show(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<TeamId>,
) -> Result<HttpResponse, ApiError> {
    respond(&kit, &caller, *id, None, Slips::default()).await
}

async fn respond(
    kit: &Kit,
    caller: &Caller,
    id: TeamId,
    invitation: Option<InvitationView>,
    slips: Slips,
) -> Result<HttpResponse, ApiError> {
    let view = find_for(kit, caller, id).await?;
    let title = view.team.name.clone();
    let body = Body {
        csrf: caller.csrf_token(),
        is_member: caller.is_member(id),
        is_captain: view.team.captain_id == caller.user_id,
        shows_emails: view.members.iter().any(|member| member.email.is_some()),
        is_organizer: caller.is_organizer(view.team.challenge_id),
        invitations: list_for(kit, caller, id).await?,
        answers: of_team(kit, id).await?,
        final_ranks: final_ranks(&kit.db, id, kit.clock.now()).await?,
        has_submitted: teams::rows::has_submitted(&kit.db, id).await?,
        invitation,
        view,
        slips,
    };
    let status = match body.slips.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    Ok(page(Some(caller), title, &body)?
        .crumb("Teams", "/teams")
        .status(status)
        .respond())
}

/// The team's page again, or the page with what was wrong.
async fn done(
    kit: &Kit,
    caller: &Caller,
    id: TeamId,
    result: Result<(), Error>,
) -> Result<HttpResponse, ApiError> {
    match result {
        Ok(()) => Ok(see_other(&format!("/teams/{id}"))),
        Err(error) => {
            let slips = Slips::of(error.into())?;
            respond(kit, caller, id, None, slips).await
        }
    }
}

/// Shows the link in the answer itself: it is told once.
#[tracing::instrument(name = "pages.team.invite", skip_all)]
pub async fn make_invitation(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<TeamId>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = kit.db.begin().await?;
    match invite(&mut tx, &kit, &caller, *id).await {
        Ok(made) => {
            tx.commit().await?;
            respond(&kit, &caller, *id, Some(made), Slips::default()).await
        }
        Err(error) => {
            // The page needs a connection, too.
            tx.rollback().await?;
            done(&kit, &caller, *id, Err(error)).await
        }
    }
}

#[tracing::instrument(name = "pages.team.revoke", skip_all)]
pub async fn revoke_invitation(
    kit: web::Data<Kit>,
    caller: Caller,
    ids: web::Path<(TeamId, Uuid)>,
) -> Result<HttpResponse, ApiError> {
    let (team, invitation) = ids.into_inner();
    let result = take_back(&kit, &caller, team, invitation).await;
    done(&kit, &caller, team, result).await
}

#[tracing::instrument(name = "pages.team.rename", skip_all)]
pub async fn rename(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<TeamId>,
    form: web::Form<RenameForm>,
) -> Result<HttpResponse, ApiError> {
    let request = Rename {
        name: form.into_inner().name,
    };
    let result = rename_team(&kit, &caller, *id, &request).await;
    done(&kit, &caller, *id, result).await
}

#[derive(Deserialize)]
pub struct RenameForm {
    name: String,
}

#[derive(Deserialize)]
pub struct MemberForm {
    user_id: UserId,
}

#[tracing::instrument(name = "pages.team.hand_over", skip_all)]
pub async fn hand_over(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<TeamId>,
    form: web::Form<MemberForm>,
) -> Result<HttpResponse, ApiError> {
    let result = hand_team_over(&kit, &caller, *id, form.user_id).await;
    done(&kit, &caller, *id, result).await
}

#[tracing::instrument(name = "pages.team.remove", skip_all)]
pub async fn remove(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<TeamId>,
    form: web::Form<MemberForm>,
) -> Result<HttpResponse, ApiError> {
    let result = remove_member(&kit, &caller, *id, form.user_id).await;
    done(&kit, &caller, *id, result).await
}

#[derive(Deserialize)]
pub struct UnlockForm {
    reason: String,
}

#[tracing::instrument(name = "pages.team.unlock", skip_all)]
pub async fn unlock(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<TeamId>,
    form: web::Form<UnlockForm>,
) -> Result<HttpResponse, ApiError> {
    let result = unlock_team(&kit, &caller, *id, &form.reason).await;
    done(&kit, &caller, *id, result).await
}

#[tracing::instrument(name = "pages.team.leave", skip_all)]
pub async fn leave(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<TeamId>,
) -> Result<HttpResponse, ApiError> {
    match leave_team(&kit, &caller, *id).await {
        Ok(()) => Ok(see_other("/teams")),
        Err(error) => done(&kit, &caller, *id, Err(error)).await,
    }
}

#[tracing::instrument(name = "pages.team.withdraw", skip_all)]
pub async fn withdraw(
    kit: web::Data<Kit>,
    caller: Caller,
    ids: web::Path<(TeamId, ParticipationId)>,
) -> Result<HttpResponse, ApiError> {
    let (_, participation) = ids.into_inner();
    let place = withdraw_team(&kit, &caller, participation).await?;
    Ok(see_other(&format!("/teams/{}", place.team_id)))
}

#[cfg(test)]
mod tests {
    use molar_web_kit::testing::{organizer, person};
    use sqlx::PgPool;

    use crate::testing::{
        Api, approved_team, challenge, closed_phase, handed_in, participation, sign, team,
    };

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_place_with_final_ranks_has_no_button_and_says_whom_to_ask(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let ada = person(&pool, "Ada").await;
        let (molars, place) = approved_team(&pool, &demo, &api.of(&ada), "Molars").await;
        let phase = closed_phase(&pool, &demo).await;
        let path = format!("/teams/{molars}");
        let button = format!("{path}/participations/{place}/withdraw");
        let browser = api.browser(&ada);
        assert!(browser.page(&path).await.1.contains(&button));
        handed_in(&pool, &molars, &ada, phase, "ab", None).await;
        let (_, html) = browser.page(&path).await;
        assert!(
            !html.contains(&button) && html.contains("Its ranks are final"),
            "{html}"
        );
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_team_invites_withdraws_and_is_left_on_its_page(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let (ada, grace) = (person(&pool, "Ada").await, person(&pool, "Grace").await);
        sign(&api, &ada).await;
        let molars = team(&api, &ada, "Molars").await;
        let place = participation(&api, &ada, &molars, demo.track).await;
        let path = format!("/teams/{molars}");
        let (ada, grace) = (api.browser(&ada), api.browser(&grace));
        assert!(ada.page("/teams").await.1.contains("Molars"));
        assert_eq!(grace.page(&path).await.0, 404);

        let (_, html) = ada.submit(&path, &format!("{path}/invitations"), &[]).await;
        let (_, rest) = html.split_once("http://molar.test/invitations/").unwrap();
        let token: String = rest
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        let invited = format!("/invitations/{token}");
        let (_, html) = grace.page(&invited).await;
        assert!(html.contains("Molars") && html.contains("Ada"), "{html}");
        assert_eq!(
            grace.submit(&invited, &invited, &[]).await,
            (303, path.clone())
        );
        let (_, html) = grace.page(&path).await;
        assert!(!html.contains("/withdraw"), "only the captain's: {html}");

        let withdraw = format!("{path}/participations/{place}/withdraw");
        assert_eq!(ada.submit(&path, &withdraw, &[]).await, (303, path.clone()));
        assert!(ada.page(&path).await.1.contains("badge-withdrawn"));
        let leave = format!("{path}/leave");
        assert_eq!(
            grace.submit(&path, &leave, &[]).await,
            (303, "/teams".into())
        );

        let olga = api.browser(&organizer(&pool, "Olga", demo.id).await);
        let (_, html) = olga.page(&path).await;
        assert!(
            html.contains("@molar.test") && !html.contains("/leave"),
            "{html}"
        );
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_form_that_is_refused_does_not_keep_the_connection_that_its_page_needs(pool: PgPool) {
        let api = Api::narrow(&pool).await;
        challenge(&pool).await;
        let ada = api.browser(&person(&pool, "Ada").await);
        let (status, html) = ada
            .submit("/join/demo", "/join/demo/team", &[("team", " ")])
            .await;
        assert_eq!(status, 422, "{html}");
        let old = [
            ("version", "0"),
            ("text_sha256", "0"),
            ("name", "Ada"),
            ("affiliation", ""),
        ];
        let (status, html) = ada.submit("/join/demo", "/join/demo/agreement", &old).await;
        assert!(status == 422 || status == 409, "{status} {html}");
    }
}
