//! `GET /api/v1/submissions/{id}/cases/{case}/picture`

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, web};
use molar_pictures::Show;
use molar_volumes::Format;
use molar_web_kit::{ApiError, Caller, Kit};
use serde::Deserialize;
use uuid::Uuid;

use super::place::{no_voxel, voxel};
use super::rows::see;
use super::state::Viewer;
use crate::error::{Error, Result};

const NOTHING: Error = Error::NotFound("picture: no file tells how large the case is");

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum What {
    Image,
    /// The instances of the reference over the image.
    Reference,
    /// Those of the prediction.
    Prediction,
    #[default]
    /// Blue: missed. Vermilion: invented. Yellow: another label. Grey: right.
    Errors,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Plane {
    #[default]
    Axial,
    Coronal,
    Sagittal,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// By default the errors.
    #[param(inline)]
    #[serde(default)]
    show: What,
    /// Of a volume.
    #[param(inline)]
    plane: Option<Plane>,
    /// The voxel in which the three planes meet, from 0; what is left out is where the most errors are.
    x: Option<u32>,
    y: Option<u32>,
    z: Option<u32>,
}

/// A picture of one case of a submission, for organizers and reviewers: at most 1600 pixels on a side.
#[utoipa::path(get, path = "/api/v1/submissions/{id}/cases/{case}/picture", tag = "scoring",
    params(("id" = Uuid, Path), ("case" = Uuid, Path), Query),
    responses((status = 200, description = "A PNG", content_type = "image/png")))]
#[tracing::instrument(name = "submissions.cases.picture", skip_all,
    fields(submission.id = %path.0, case.id = %path.1))]
pub async fn picture(
    kit: web::Data<Kit>,
    viewer: web::Data<Viewer>,
    caller: Caller,
    path: web::Path<(Uuid, Uuid)>,
    query: web::Query<Query>,
) -> Result<HttpResponse, ApiError> {
    let (submission, case) = path.into_inner();
    let subject = see(&kit.db, &caller, submission, case).await?;
    let _place = viewer.enter()?;
    let is_volume = subject.format == Format::Nifti;
    if !is_volume && query.plane.is_some() {
        return Err(ApiError::invalid("/plane", "belongs to volumes"));
    }
    let wanted = [query.x, query.y, query.z];
    let at = match is_volume {
        true => match &*viewer.survey(&subject).await? {
            None => return Err(NOTHING.into()),
            Some(surveyed) => Some(voxel(wanted, surveyed.size, surveyed.profile.worst())?),
        },
        false => no_voxel(wanted).map(|()| None)?,
    };
    let (scene, _) = viewer.scene(&subject, at).await?;
    let view = query.plane.unwrap_or_default() as usize;
    let drawn = viewer.draw(scene, view, query.show.into()).await?;
    let png = drawn.ok_or(NOTHING)?;
    Ok(HttpResponse::Ok()
        .content_type("image/png")
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .body(png))
}

impl From<What> for Show {
    fn from(what: What) -> Self {
        match what {
            What::Image => Self::Image,
            What::Reference => Self::Reference,
            What::Prediction => Self::Prediction,
            What::Errors => Self::Errors,
        }
    }
}
