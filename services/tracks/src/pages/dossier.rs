//! `/finalists/{id}`: the dossier of a finalist, to be read, and by its team to be written.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use molar_web_kit::{ApiError, Caller, Kit, layout};
use serde::Deserialize;
use uuid::Uuid;

use super::slips;
use crate::dossiers::find::{DossierView, shown};
use crate::dossiers::rows::{self, Author};
use crate::dossiers::save::{self, SaveDossier};
use crate::finals::rows::Finalist;

#[derive(Template)]
#[template(path = "dossier.html")]
struct Body<'a> {
    csrf: &'a str,
    finalist: &'a Finalist,
    dossier: DossierView,
    form: Form,
    /// Whether the reader's team writes it, and still may.
    is_writer: bool,
    is_insider: bool,
    has_certificates: bool,
    slips: Vec<String>,
}

#[derive(Default, Deserialize)]
pub struct Form {
    #[serde(default)]
    authors: String,
    #[serde(default)]
    code_url: String,
    #[serde(default)]
    commit: String,
    #[serde(default)]
    external_data: String,
    #[serde(default)]
    external_weights: String,
    /// `yes`, `no`, or not answered.
    #[serde(default)]
    consents: String,
}

#[tracing::instrument(name = "pages.dossier", skip_all)]
pub async fn show(
    kit: web::Data<Kit>,
    caller: Option<Caller>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, ApiError> {
    page(&kit, caller.as_ref(), *id, None, Vec::new()).await
}

pub(super) async fn page(
    kit: &Kit,
    caller: Option<&Caller>,
    id: Uuid,
    form: Option<Form>,
    slips: Vec<String>,
) -> Result<HttpResponse, ApiError> {
    let finalist = shown(kit, caller, id).await?;
    let dossier = rows::find(&kit.db, id).await?;
    let is_open = rows::require_open(&finalist, &dossier, kit.clock.now()).is_ok();
    let is_insider = caller.is_some_and(|caller| finalist.is_open_to(caller));
    let dossier = DossierView::of(&finalist, dossier);
    let sees_all = caller.is_some_and(|caller| caller.may_review(finalist.challenge_id()));
    let status = match slips.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let body = Body {
        csrf: caller.map_or("", |caller| caller.csrf_token()),
        form: form.unwrap_or_else(|| Form::of(&dossier)),
        is_writer: is_open && caller.is_some_and(|caller| finalist.is_own(caller)),
        is_insider,
        has_certificates: is_insider
            && !finalist.is_struck()
            && (sees_all || finalist.is_published()),
        finalist: &finalist,
        dossier,
        slips,
    };
    let title = format!("{}: dossier", finalist.team);
    Ok(layout::Page::new(title, body.render()?)
        .crumb("Finalists", format!("/finals/{}", finalist.phase_id))
        .caller(caller)
        .status(status)
        .respond())
}

#[tracing::instrument(name = "pages.dossier.save", skip_all)]
pub async fn save(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<Uuid>,
    form: web::Form<Form>,
) -> Result<HttpResponse, ApiError> {
    let form = form.into_inner();
    let mut tx = kit.db.begin().await?;
    let saved = match form.read() {
        Ok(body) => save::take(&mut tx, &caller, *id, body, kit.clock.now())
            .await
            .map(drop),
        Err(error) => Err(error),
    };
    match saved {
        Ok(()) => {
            tx.commit().await?;
            Ok(layout::see_other(&format!("/finalists/{id}")))
        }
        Err(error) => {
            tx.rollback().await?;
            page(&kit, Some(&caller), *id, Some(form), slips(error)?).await
        }
    }
}

impl Form {
    fn of(dossier: &DossierView) -> Self {
        let authors: Vec<String> = dossier.authors.iter().map(line).collect();
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        Self {
            authors: authors.join("\n"),
            code_url: text(&dossier.code_url),
            commit: text(&dossier.commit),
            external_data: text(&dossier.external_data),
            external_weights: text(&dossier.external_weights),
            consents: match dossier.consents {
                Some(true) => "yes".to_owned(),
                Some(false) => "no".to_owned(),
                None => String::new(),
            },
        }
    }

    fn read(&self) -> Result<SaveDossier, ApiError> {
        let lines = self.authors.lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty());
        let authors = lines.map(author).collect::<Result<_, _>>()?;
        Ok(SaveDossier {
            authors,
            code_url: Some(self.code_url.clone()),
            commit: Some(self.commit.clone()),
            external_data: Some(self.external_data.clone()),
            external_weights: Some(self.external_weights.clone()),
            consents: match self.consents.as_str() {
                "yes" => Some(true),
                "no" => Some(false),
                _ => None,
            },
        })
    }
}

fn line(author: &Author) -> String {
    let mut parts = vec![author.name.as_str(), author.affiliation.as_str()];
    parts.extend(author.orcid.as_deref());
    parts.join("; ")
}

/// `name; affiliation; ORCID`, the last of which may be missing; an affiliation may hold semicolons.
fn author(line: &str) -> Result<Author, ApiError> {
    let no = || {
        let why = format!("`{line}` is no author: write name; affiliation; ORCID, one a line");
        ApiError::invalid("/authors", why)
    };
    let (name, rest) = line.split_once(';').ok_or_else(no)?;
    let looks_like_orcid = |text: &str| {
        let digits = text.rsplit('/').next().unwrap_or_default();
        digits.matches('-').count() == 3 && digits.chars().any(|c| c.is_ascii_digit())
    };
    let (affiliation, orcid) = match rest.rsplit_once(';') {
        Some((affiliation, last)) if looks_like_orcid(last) => (affiliation, Some(last.trim())),
        Some((affiliation, last)) if last.trim().is_empty() => (affiliation, None),
        _ => (rest, None),
    };
    Ok(Author {
        name: name.trim().to_owned(),
        affiliation: affiliation.trim().to_owned(),
        orcid: orcid.map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_author_is_a_line() {
        let ada = author("Ada Lovelace; Lab; of Engines; 0000-0002-1825-0097").unwrap();
        assert_eq!(ada.affiliation, "Lab; of Engines");
        assert_eq!(author(&line(&ada)).unwrap(), ada);
        let bob = author("Bob; Lab").unwrap();
        assert_eq!((bob.affiliation.as_str(), bob.orcid), ("Lab", None));
        assert!(author("Bob").is_err());
    }
}
