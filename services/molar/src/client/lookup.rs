//! From the names that people type to the ids that the API takes.

use anyhow::{Context as _, bail};
use serde_json::Value;

use super::{Api, text};

/// `challenge/track/phase`, or `track/phase` where there is only one challenge, or an id.
pub async fn phase(api: &Api, name: &str) -> anyhow::Result<Value> {
    if name.parse::<uuid::Uuid>().is_ok() {
        return api.find(&format!("/api/v1/phases/{name}")).await;
    }
    let parts: Vec<&str> = name.split('/').collect();
    let (challenge, track, phase) = match parts[..] {
        [challenge, track, phase] => (challenge.to_owned(), track, phase),
        [track, phase] => (only_challenge(api).await?, track, phase),
        _ => bail!(
            "a phase is written challenge/track/phase, such as sts2024/opg/validation; `{name}` is not"
        ),
    };
    let path = format!("/api/v1/phases?challenge={challenge}&track={track}&phase={phase}");
    match api.find(&path).await {
        Err(error) if is_missing(&error) => match phases(api, &challenge).await {
            Ok(known) => bail!("there is no phase `{name}`; there are {}", known.join(", ")),
            Err(_) => Err(error),
        },
        found => found,
    }
}

fn is_missing(error: &anyhow::Error) -> bool {
    let refusal = error.downcast_ref::<super::Refusal>();
    refusal.is_some_and(|refusal| refusal.status == 404)
}

/// The names of a challenge's phases.
async fn phases(api: &Api, challenge: &str) -> anyhow::Result<Vec<String>> {
    let found: Value = api.find(&format!("/api/v1/challenges/{challenge}")).await?;
    let mut names = Vec::new();
    for track in found["tracks"].as_array().into_iter().flatten() {
        for phase in track["phases"].as_array().into_iter().flatten() {
            let (track, phase) = (text(track, "slug"), text(phase, "slug"));
            names.push(format!("{challenge}/{track}/{phase}"));
        }
    }
    Ok(names)
}

/// `challenge/track/split`
pub async fn split(api: &Api, name: &str) -> anyhow::Result<Value> {
    let parts: Vec<&str> = name.split('/').collect();
    let [challenge, track, split] = parts[..] else {
        bail!("a split is written challenge/track/split; `{name}` is not")
    };
    let challenge: Value = api.find(&format!("/api/v1/challenges/{challenge}")).await?;
    let found = |list: &Value, slug: &str| {
        list.as_array()
            .into_iter()
            .flatten()
            .find(|x| text(x, "slug") == slug)
            .cloned()
    };
    let track = found(&challenge["tracks"], track).context("the challenge has no such track")?;
    found(&track["splits"], split).context("the track has no such split")
}

pub async fn only_challenge(api: &Api) -> anyhow::Result<String> {
    let list: Value = api.find("/api/v1/challenges").await?;
    let slugs: Vec<&str> = items(&list).iter().map(|c| text(c, "slug")).collect();
    match slugs[..] {
        [one] => Ok(one.to_owned()),
        [] => bail!("there is no challenge yet"),
        _ => bail!(
            "there are several challenges ({}): say which one, as challenge/track/phase",
            slugs.join(", ")
        ),
    }
}

/// The caller's team with this name or id, or its only team in the challenge.
pub async fn team(api: &Api, challenge_id: &str, wanted: Option<&str>) -> anyhow::Result<Value> {
    let list: Value = api.find("/api/v1/teams").await?;
    let mine: Vec<&Value> = items(&list)
        .iter()
        .filter(|t| text(t, "challenge_id") == challenge_id)
        .filter(|t| {
            wanted.is_none_or(|w| text(t, "id") == w || text(t, "name").eq_ignore_ascii_case(w))
        })
        .collect();
    match mine[..] {
        [one] => Ok(one.clone()),
        [] => match wanted {
            Some(name) => bail!(
                "you are in no team `{name}` of this challenge; `molar team list` shows yours"
            ),
            None => bail!(
                "you are in no team of this challenge: `molar team create NAME` makes one, `molar team join INVITATION` joins one"
            ),
        },
        _ => bail!("you are in several teams of this challenge: say which one with --team"),
    }
}

/// The rows of a list, whether bare or in a page.
pub fn items(list: &Value) -> &[Value] {
    list.as_array()
        .or_else(|| list["items"].as_array())
        .map_or(&[], Vec::as_slice)
}

pub fn id(value: &Value) -> anyhow::Result<&str> {
    value["id"].as_str().context("the answer names no id")
}
