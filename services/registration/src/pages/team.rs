//! `/teams/{id}`

use actix_web::{HttpResponse, web};
use askama::Template;
use molar_domain::{ParticipationId, TeamId};
use molar_web_kit::{ApiError, Caller, Kit};

use super::{page, see_other};
use crate::invitations::create::{InvitationView, invite};
use crate::participations::withdraw::withdraw_team;
use crate::participations::{State, Step};
use crate::teams::find::{TeamWithMembers, find_for};
use crate::teams::leave::leave_team;

#[derive(Template)]
#[template(path = "team.html")]
struct Body<'a> {
    view: TeamWithMembers,
    csrf: &'a str,
    is_member: bool,
    is_captain: bool,
    shows_emails: bool,
    invitation: Option<InvitationView>,
}

impl Body<'_> {
    fn can_withdraw(&self, state: &State) -> bool {
        self.is_captain && state.apply(Step::Withdraw).is_ok()
    }
}

pub async fn show(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<TeamId>,
) -> Result<HttpResponse, ApiError> {
    respond(&kit, &caller, *id, None).await
}

async fn respond(
    kit: &Kit,
    caller: &Caller,
    id: TeamId,
    invitation: Option<InvitationView>,
) -> Result<HttpResponse, ApiError> {
    let view = find_for(kit, caller, id).await?;
    let title = view.team.name.clone();
    let body = Body {
        csrf: caller.csrf_token(),
        is_member: caller.is_member(id),
        is_captain: view.team.captain_id == caller.user_id,
        shows_emails: view.members.iter().any(|member| member.email.is_some()),
        invitation,
        view,
    };
    Ok(page(Some(caller), title, &body)?
        .crumb("Teams", "/teams")
        .respond())
}

/// Shows the link in the answer itself: it is told once.
#[tracing::instrument(name = "pages.team.invite", skip_all)]
pub async fn make_invitation(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<TeamId>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = kit.db.begin().await?;
    let invitation = invite(&mut tx, &kit, &caller, *id).await?;
    tx.commit().await?;
    respond(&kit, &caller, *id, Some(invitation)).await
}

#[tracing::instrument(name = "pages.team.leave", skip_all)]
pub async fn leave(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<TeamId>,
) -> Result<HttpResponse, ApiError> {
    leave_team(&kit, &caller, *id).await?;
    Ok(see_other("/teams"))
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

    use crate::testing::{Api, challenge, participation, sign, team};

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
}
