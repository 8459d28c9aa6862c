//! Files on their way to the object store.

use molar_domain::worker_api::PutUrl;

use crate::api::{Api, Error};

pub async fn send(api: &Api, to: PutUrl, size: u64, body: reqwest::Body) -> Result<(), Error> {
    let mut request = api.http().put(&to.url).header("content-length", size);
    for (name, value) in &to.headers {
        if !name.eq_ignore_ascii_case("content-length") && !name.eq_ignore_ascii_case("host") {
            request = request.header(name, value);
        }
    }
    let response = request
        .body(body)
        .send()
        .await
        .map_err(|error| Error::Away(error.without_url().to_string()))?;
    if response.status().is_success() {
        return Ok(());
    }
    Err(Error::Away(format!(
        "the object store answered {}",
        response.status()
    )))
}
