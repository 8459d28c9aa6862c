//! The document of the API and the routes say the same.

use molar_service::Role;
use molar_web_kit::testing::every_api_route_is_documented;
use molar_web_kit::{Access, Routes, openapi};
use utoipa::OpenApi;

#[utoipa::path(get, path = "/api/v1/me", responses((status = 200, description = "You")))]
async fn me() -> String {
    String::new()
}

#[derive(OpenApi)]
#[openapi(paths(me))]
struct Documented;

fn routes() -> Routes {
    Routes::new(Role::Registration).get("/api/v1/me", Access::SignedIn, me)
}

#[test]
fn an_operation_says_who_may_call_it_and_what_errors_look_like() {
    let document = openapi::complete(Documented::openapi(), &routes().list());
    every_api_route_is_documented(&routes(), &document);
    let document = serde_json::to_value(document).unwrap();
    insta::assert_json_snapshot!(document["paths"]["/api/v1/me"]["get"], @r##"
    {
      "operationId": "me",
      "responses": {
        "200": {
          "description": "You"
        },
        "default": {
          "content": {
            "application/problem+json": {
              "schema": {
                "$ref": "#/components/schemas/Problem"
              }
            }
          },
          "description": "What went wrong (RFC 9457)"
        }
      },
      "security": [
        {
          "token": []
        },
        {
          "session": []
        }
      ],
      "tags": []
    }
    "##);
    assert!(document["components"]["schemas"]["Complaint"].is_object());
    assert!(document["components"]["securitySchemes"]["session"].is_object());
}

#[test]
#[should_panic(expected = "GET /api/v1/extra is served, but not documented")]
fn a_route_without_words_is_found() {
    let routes = routes().get("/api/v1/extra", Access::Public, me);
    every_api_route_is_documented(&routes, &Documented::openapi());
}

#[test]
#[should_panic(expected = "GET /api/v1/me is documented, but not served")]
fn words_without_a_route_are_found() {
    every_api_route_is_documented(&Routes::new(Role::Registration), &Documented::openapi());
}
