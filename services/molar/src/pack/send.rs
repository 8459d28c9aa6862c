//! From this machine straight into the store.

use std::path::Path;

use serde_json::{Value, json};

use super::Args;
use super::samples::Sample;
use crate::client::Api;
use crate::client::upload::{Fingerprint, bytes_bar, put_file};

/// Announces the zip, puts it, and says so: until then participants get the pack before.
pub async fn publish(
    api: &Api,
    track: &str,
    path: &Path,
    made: &Fingerprint,
    samples: &[Sample],
    args: &Args,
) -> anyhow::Result<Value> {
    let samples = samples.iter().map(|sample| {
        json!({
            "split": sample.split,
            "case": sample.case,
            "image_sha256": sample.image_sha256,
            "reference_sha256": sample.reference_sha256,
        })
    });
    let body = json!({
        "size_bytes": made.size_bytes,
        "sha256": made.sha256,
        "samples": samples.collect::<Vec<_>>(),
    });
    let packs = format!("/api/v1/tracks/{track}/packs");
    let announced: Value = api.post(&packs, &body).await?;
    // Null says that this zip is stored already.
    if !announced["upload"].is_null() {
        let bar = bytes_bar(made.size_bytes, "uploading", args.json);
        put_file(api, &announced["upload"], path, made.size_bytes, &bar).await?;
        bar.finish_and_clear();
    }
    let body = json!({"sha256": made.sha256, "reason": args.reason});
    api.post(&format!("{packs}/stored"), &body).await
}
