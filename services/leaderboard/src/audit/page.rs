//! `/organize/audit`

use actix_web::{HttpResponse, web};
use askama::Template;
use molar_domain::ChallengeId;
use molar_web_kit::{ApiError, Caller, Kit, layout};
use uuid::Uuid;

use super::list::{ListAudit, read};
use super::rows::{self, Entry};

#[derive(Template)]
#[template(path = "audit.html")]
struct Body {
    challenges: Vec<Choice>,
    actor: String,
    subject: String,
    action: String,
    is_filtered: bool,
    rows: Vec<Row>,
    export: String,
    next: Option<String>,
}

struct Choice {
    id: String,
    title: String,
    is_chosen: bool,
}

/// As it is shown; an id is a link that narrows the list to it.
struct Row {
    seq: i64,
    at: String,
    at_iso: String,
    who: String,
    actor_link: Option<String>,
    action: String,
    subject: String,
    subject_link: String,
    from: String,
    to: String,
    reason: String,
    details: String,
}

#[tracing::instrument(name = "pages.audit", skip_all)]
pub async fn page(
    kit: web::Data<Kit>,
    caller: Caller,
    query: web::Query<ListAudit>,
) -> Result<HttpResponse, ApiError> {
    let known = challenges(&kit, &caller).await?;
    let mut query = query.into_inner();
    // A page that is opened without a word begins with something.
    if query.challenge_id.is_none() && !caller.is_admin {
        query.challenge_id = known.first().map(|(id, _)| ChallengeId(*id));
    }
    let filter = query.filter(&caller)?;
    let audit = read(&kit, &filter, query.before).await?;
    let chosen = filter.challenge.map(|challenge| challenge.0);
    let text = |id: Option<Uuid>| id.map_or(String::new(), |id| id.to_string());
    let body = Body {
        challenges: choices(known, chosen, caller.is_admin),
        actor: text(filter.actor),
        subject: text(filter.subject),
        action: filter.action.clone().unwrap_or_default(),
        is_filtered: filter.actor.is_some() || filter.subject.is_some() || filter.action.is_some(),
        rows: audit.items.iter().map(|entry| row(entry, chosen)).collect(),
        export: address("/api/v1/audit/export", chosen, &[("format", "csv")]),
        next: audit.next.map(|seq| next(&query, chosen, seq)),
    };
    Ok(layout::Page::new("Audit log", body.render()?)
        .caller(Some(&caller))
        .respond())
}

async fn challenges(kit: &Kit, caller: &Caller) -> Result<Vec<(Uuid, String)>, ApiError> {
    let mut all = rows::challenges(&kit.db).await?;
    all.retain(|(id, _)| caller.is_organizer(ChallengeId(*id)));
    Ok(all)
}

fn choices(known: Vec<(Uuid, String)>, chosen: Option<Uuid>, with_all: bool) -> Vec<Choice> {
    let all = with_all.then(|| Choice {
        id: String::new(),
        title: "Everything".to_owned(),
        is_chosen: chosen.is_none(),
    });
    let known = known.into_iter().map(|(id, title)| Choice {
        is_chosen: chosen == Some(id),
        id: id.to_string(),
        title,
    });
    all.into_iter().chain(known).collect()
}

/// A path with a query, of the values that are there.
fn address(path: &str, challenge: Option<Uuid>, values: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if let Some(challenge) = challenge {
        query.append_pair("challenge_id", &challenge.to_string());
    }
    for (name, value) in values.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    format!("{path}?{}", query.finish())
}

fn next(query: &ListAudit, challenge: Option<Uuid>, before: i64) -> String {
    let text = |id: Option<Uuid>| id.map_or(String::new(), |id| id.to_string());
    let (actor, subject, before) = (
        text(query.actor_id),
        text(query.subject_id),
        before.to_string(),
    );
    let action = query.action.as_deref().unwrap_or_default();
    let values = [
        ("actor_id", &*actor),
        ("subject_id", &*subject),
        ("action", action),
        ("before", &*before),
    ];
    address("/organize/audit", challenge, &values)
}

fn row(entry: &Entry, challenge: Option<Uuid>) -> Row {
    let narrow = |name, id: &str| address("/organize/audit", challenge, &[(name, id)]);
    let subject = entry.subject_id.to_string();
    let who = match (&entry.actor, entry.actor_id) {
        (Some(name), _) => name.clone(),
        (None, Some(_)) => "somebody whose account is gone".to_owned(),
        (None, None) => "the platform".to_owned(),
    };
    let reason = match entry.is_erased {
        true => "(erased with a person's data)".to_owned(),
        false => entry.reason.clone().unwrap_or_default(),
    };
    Row {
        seq: entry.seq,
        at: entry.at.format("%Y-%m-%d %H:%M UTC").to_string(),
        at_iso: entry.at.to_rfc3339(),
        who,
        actor_link: entry.actor_id.map(|id| narrow("actor_id", &id.to_string())),
        action: entry.action.clone(),
        subject_link: narrow("subject_id", &subject),
        subject,
        from: entry.detail("from"),
        to: entry.detail("to"),
        reason,
        details: serde_json::to_string_pretty(&entry.details).unwrap_or_default(),
    }
}
