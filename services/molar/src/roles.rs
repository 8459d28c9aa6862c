//! `molar serve <role>`: each role is a process of its own.

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum Serve {
    /// Users, sessions, tokens, teams, participations, agreements.
    Registration(molar_registration::Config),
    /// Challenges, tracks, phases and their data.
    Tracks(molar_tracks::Config),
    /// Submissions, their uploads and checks, quota.
    Submission(molar_submission::Config),
    /// Attempts, fair dispatch, workers.
    Execution(molar_execution::Config),
    /// Measures outputs against the references.
    Scoring(molar_scoring::Config),
    /// Rankings and boards.
    Leaderboard(molar_leaderboard::Config),
    /// The embedded object store, for development.
    S3(crate::store::StoreArgs),
}

pub async fn serve(role: Serve) -> anyhow::Result<()> {
    match role {
        Serve::Registration(config) => molar_registration::serve(config).await?,
        Serve::Tracks(config) => molar_tracks::serve(config, openapi()?.into()).await?,
        Serve::Submission(config) => molar_submission::serve(config).await?,
        Serve::Execution(config) => molar_execution::serve(config).await?,
        Serve::Scoring(config) => molar_scoring::serve(config).await?,
        Serve::Leaderboard(config) => molar_leaderboard::serve(config).await?,
        Serve::S3(args) => crate::store::serve(args).await?,
    }
    Ok(())
}

/// The document of the whole API: each role describes its own part.
pub fn openapi() -> anyhow::Result<String> {
    let mut whole = molar_tracks::openapi();
    for part in [
        molar_registration::openapi(),
        molar_submission::openapi(),
        molar_execution::openapi(),
        molar_scoring::openapi(),
        molar_leaderboard::openapi(),
    ] {
        whole.merge(part);
    }
    whole.info.title = "Molar".into();
    whole.info.version = env!("CARGO_PKG_VERSION").into();
    Ok(whole.to_pretty_json()?)
}

/// The prefixes of the one origin, and the role behind each. What is not here belongs to tracks.
pub const PREFIXES: &[(&str, &str)] = &[
    ("/api/v1/accounts", "registration"),
    ("/api/v1/sessions", "registration"),
    ("/api/v1/me", "registration"),
    ("/api/v1/tokens", "registration"),
    ("/api/v1/teams", "registration"),
    ("/api/v1/invitations", "registration"),
    ("/api/v1/agreements", "registration"),
    ("/api/v1/participations", "registration"),
    ("/api/v1/questions", "registration"),
    ("/api/v1/challenges/*/faq", "registration"),
    ("/api/v1/challenges/*/ledger", "registration"),
    ("/api/v1/challenges/*/signs", "registration"),
    ("/api/v1/announcements", "registration"),
    ("/api/v1/mails", "registration"),
    ("/api/v1/submissions", "submission"),
    ("/api/v1/submissions/*/rerun", "execution"),
    ("/api/v1/submissions/*/cases/*/picture", "scoring"),
    ("/api/v1/workers", "execution"),
    ("/api/v1/queue", "execution"),
    ("/api/v1/case-runs", "execution"),
    ("/api/v1/evaluations", "scoring"),
    ("/api/v1/rescorings", "scoring"),
    ("/api/v1/rescorings/*/moves", "leaderboard"),
    ("/api/v1/requests", "registration"),
    ("/api/v1/boards", "leaderboard"),
    ("/api/v1/audit", "leaderboard"),
    ("/register", "registration"),
    ("/login", "registration"),
    ("/logout", "registration"),
    ("/account", "registration"),
    ("/teams", "registration"),
    ("/invitations", "registration"),
    ("/join", "registration"),
    ("/questions", "registration"),
    ("/challenges/*/faq", "registration"),
    ("/organize/participations", "registration"),
    ("/organize/audit", "leaderboard"),
    ("/organize/boards", "leaderboard"),
    ("/organize/questions", "registration"),
    ("/organize/ledger", "registration"),
    ("/organize/signs", "registration"),
    ("/organize/announcements", "registration"),
    ("/organize/mails", "registration"),
    ("/announcements", "registration"),
    ("/unsubscribe", "registration"),
    ("/organize/requests", "registration"),
    ("/organize/queue", "execution"),
    ("/organize/submissions", "submission"),
    ("/organize/submissions/*/rerun", "execution"),
    ("/organize/submissions/*/cases", "scoring"),
    ("/organize/rescorings", "scoring"),
    ("/organize/rescorings/*/moves", "leaderboard"),
    ("/submissions", "submission"),
    ("/case-runs", "execution"),
    ("/boards", "leaderboard"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::PREFIXES;

    fn role_of(path: &str) -> &'static str {
        let is_below = |prefix: &str| {
            let mut rest = path.split('/');
            prefix
                .split('/')
                .all(|part| rest.next().is_some_and(|here| part == "*" || part == here))
        };
        let found = PREFIXES.iter().filter(|(prefix, _)| is_below(prefix));
        let longest = found.max_by_key(|(prefix, _)| (prefix.split('/').count(), prefix.len()));
        longest.map_or("tracks", |(_, role)| role)
    }

    #[test]
    fn every_path_of_a_role_leads_to_it() {
        let roles = [
            ("registration", molar_registration::routes()),
            ("tracks", molar_tracks::routes()),
            ("submission", molar_submission::routes()),
            ("execution", molar_execution::routes()),
            ("scoring", molar_scoring::routes()),
            ("leaderboard", molar_leaderboard::routes()),
        ];
        let paths = roles.map(|(role, routes)| {
            let paths: BTreeSet<_> = routes.list().iter().map(|route| route.path).collect();
            (role, paths)
        });
        // What pages need is served by each.
        let is_shared = |path: &str| paths.iter().all(|(_, paths)| paths.contains(path));
        for (role, own) in &paths {
            for path in own.iter().filter(|path| !is_shared(path)) {
                assert_eq!(role_of(path), *role, "{path}");
            }
        }
    }
}
