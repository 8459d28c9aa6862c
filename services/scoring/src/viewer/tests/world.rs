//! A submission that somebody looks at.

use std::io::Cursor;

use actix_web::http::header;
use actix_web::test::{TestRequest, call_service, read_body};
use actix_web::web;
use image::{GrayImage, ImageFormat, Luma, RgbImage};
use molar_domain::challenge::Format;
use molar_objects::{Bucket, Role as Holder};
use molar_pictures::{Class, of_class};
use molar_service::Role;
use molar_testkit::{
    Challenge, ChallengeBuilder, EvaluationBuilder, MockClock, PhaseBuilder, Submission,
    SubmissionBuilder, TeamBuilder, as_role, noon,
};
use molar_web_kit::testing::{self, Person, organizer, person};
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

use crate::routes;
use crate::testing::{Objects, polygons, sha256, volume, zip_of_bytes};
use crate::viewer::Viewer;

/// Columns and rows of the images.
pub const WIDE: [u32; 2] = [64, 32];
/// The reference of each image: 12 is shorter than it should be, 21 is called 22, and 31 is missed.
pub const REFERENCE: [(&str, [i32; 4]); 3] = [
    ("12", [2, 2, 11, 11]),
    ("21", [20, 2, 29, 11]),
    ("31", [40, 2, 49, 11]),
];
pub const PREDICTION: [(&str, [i32; 4]); 2] = [("12", [2, 2, 11, 9]), ("22", [20, 2, 29, 11])];

/// A submission that somebody looks at.
pub struct World {
    pub owner: PgPool,
    pub objects: Objects,
    pub viewer: Viewer,
    pub challenge: Challenge,
    pub member: Person,
    pub olga: Person,
    pub submission: Submission,
    pub case: Uuid,
}

pub struct Answer {
    pub status: u16,
    pub headers: header::HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn picture(&self) -> RgbImage {
        assert_eq!(self.status, 200, "{}", self.text());
        image::load_from_memory_with_format(&self.body, ImageFormat::Png)
            .unwrap()
            .into_rgb8()
    }
}

impl World {
    pub async fn new(owner: PgPool, builder: ChallengeBuilder, prediction: Option<&[u8]>) -> Self {
        let objects = Objects::start().await;
        let challenge = builder.cases(&["Case_01", "Case_02"]).insert(&owner).await;
        let member = person(&owner, "Ada").await;
        let team = TeamBuilder::new(&challenge, "Molars & sons").member(member.id);
        let team = team.insert(&owner).await;
        let is_zip = prediction.is_some();
        let submission = SubmissionBuilder::new(&challenge, &team);
        let submission = match is_zip {
            true => submission,
            false => submission.container(),
        };
        let submission = submission.insert(&owner).await;
        if let Some(zip) = prediction {
            objects.put_upload(&owner, &submission, zip).await;
        }
        Self {
            viewer: Viewer::new(objects.fetcher()),
            olga: organizer(&owner, "Olga", challenge.id).await,
            submission,
            case: challenge.cases[0].id.0,
            owner,
            objects,
            challenge,
            member,
        }
    }

    /// Polygons over an even grey.
    pub async fn of_polygons(owner: PgPool) -> Self {
        let [width, height] = WIDE;
        let size = (height, width);
        let zip = polygons(size, &PREDICTION);
        let zip = zip_of_bytes(&[("Case_01_Mask.json", zip.as_bytes())]);
        let builder = ChallengeBuilder::new("teeth")
            .shape(&[height as i32, width as i32])
            .phase(PhaseBuilder::new("validation"));
        let world = Self::new(owner, builder, Some(&zip)).await;
        let reference = polygons(size, &REFERENCE);
        let (owner, challenge) = (&world.owner, &world.challenge);
        world
            .objects
            .put_reference(owner, challenge, 0, reference.as_bytes())
            .await;
        let mut png = Cursor::new(Vec::new());
        GrayImage::from_pixel(width, height, Luma([100]))
            .write_to(&mut png, ImageFormat::Png)
            .unwrap();
        world.put_image(&png.into_inner()).await;
        world
    }

    /// A tooth that the prediction has two voxels lower and under another label above z = 9.
    pub async fn of_volume(owner: PgPool, prediction: Option<Vec<u8>>) -> Self {
        let grid = [20, 24, 32];
        let is_tooth = |[z, y, x]: [usize; 3], from: usize| {
            (from..from + 8).contains(&z) && (4..12).contains(&y) && (6..10).contains(&x)
        };
        let reference = volume(grid, |at| if is_tooth(at, 4) { 11 } else { 0 });
        let other = volume(grid, |at| match is_tooth(at, 2) {
            true if at[0] == 9 => 12,
            true => 11,
            false => 0,
        });
        let image = volume(grid, |[z, y, x]| (10 * z + y + x) as i16);
        let prediction = prediction.unwrap_or(other);
        let zip = zip_of_bytes(&[("Case_01_Mask.nii.gz", &prediction)]);
        let builder = ChallengeBuilder::new("teeth")
            .format(Format::Nifti)
            .shape(&[32, 24, 20])
            .phase(PhaseBuilder::new("validation"));
        let world = Self::new(owner, builder, Some(&zip)).await;
        let (owner, challenge) = (&world.owner, &world.challenge);
        world
            .objects
            .put_reference(owner, challenge, 0, &reference)
            .await;
        world.put_image(&image).await;
        world
    }

    pub async fn put_image(&self, content: &[u8]) {
        let key = sqlx::query_scalar!(
            "UPDATE tracks.cases SET size_bytes = $2, sha256 = $3 WHERE id = $1 RETURNING image_key",
            self.case,
            content.len() as i64,
            sha256(content),
        )
        .fetch_one(&self.owner)
        .await
        .unwrap();
        let (role, bucket) = (Holder::Tracks, Bucket::Hidden);
        self.objects.put(role, bucket, &key, content).await;
    }

    /// Scored, with what was measured of two labels.
    pub async fn evaluate(&self) {
        let values = json!({"IA": 0.25, "image_DSC": 0.5});
        EvaluationBuilder::new(&self.challenge, &self.submission, values)
            .insert(&self.owner)
            .await;
        sqlx::query!(
            "UPDATE scoring.case_scores SET labels = $1",
            json!([
                {"label": "12", "DSC": 0.9, "IoU": 0.8, "NSD": 1.0, "is_match": true,
                 "present_in_reference": true, "present_in_prediction": true,
                 "reference_voxels": 100, "prediction_voxels": 80},
                {"label": "\"<b>\"", "DSC": 0.0, "IoU": 0.0, "NSD": 0.0, "is_match": false,
                 "present_in_reference": false, "present_in_prediction": true,
                 "reference_voxels": 0, "prediction_voxels": 100},
            ])
        )
        .execute(&self.owner)
        .await
        .unwrap();
    }

    pub async fn get(&self, person: Option<&Person>, path: &str) -> Answer {
        let db = as_role(&self.owner, Role::Scoring).await;
        let kit = testing::kit(Role::Scoring, db, MockClock::at(noon()));
        let viewer = web::Data::new(self.viewer.clone());
        let state = |config: &mut web::ServiceConfig| {
            config.app_data(viewer);
        };
        let app = testing::app(kit, routes(), state).await;
        let request = TestRequest::get()
            .uri(path)
            .insert_header(("accept", "text/html"));
        let request = match person {
            Some(person) => request.cookie(person.cookie()),
            None => request,
        };
        let response = call_service(&app, request.to_request()).await;
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: read_body(response).await.to_vec(),
        }
    }

    pub fn page(&self) -> String {
        format!(
            "/organize/submissions/{}/cases/{}",
            self.submission.id, self.case
        )
    }

    pub fn picture(&self, query: &str) -> String {
        let (submission, case) = (self.submission.id, self.case);
        format!("/api/v1/submissions/{submission}/cases/{case}/picture?{query}")
    }

    pub async fn picture_of(&self, query: &str) -> RgbImage {
        self.get(Some(&self.olga), &self.picture(query))
            .await
            .picture()
    }

    pub async fn html(&self, query: &str) -> String {
        let page = self
            .get(Some(&self.olga), &format!("{}{query}", self.page()))
            .await;
        assert_eq!(page.status, 200, "{}", page.text());
        page.text()
    }
}

pub fn count(picture: &RgbImage, class: Class) -> usize {
    let colour = of_class(class);
    picture.pixels().filter(|pixel| **pixel == colour).count()
}
