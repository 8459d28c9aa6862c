//! A machine that runs strangers' code holds no credentials worth stealing.

/// The first variable of the environment that a worker must not have.
pub fn forbidden<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const PREFIXES: [&str; 3] = ["MOLAR_S3_", "AWS_", "PG"];
    const NAMES: [&str; 4] = [
        "DATABASE_URL",
        "MOLAR_DATABASE_URL",
        "MOLAR_OWNER_DATABASE_URL",
        "MOLAR_CSRF_KEY",
    ];
    names
        .into_iter()
        .find(|name| NAMES.contains(name) || PREFIXES.iter().any(|p| name.starts_with(p)))
}

#[cfg(test)]
mod tests {
    use super::forbidden;

    #[test]
    fn database_and_object_store_variables_are_seen() {
        let harmless = ["HOME", "MOLAR_AMQP_URL", "MOLAR_WORKER_API", "PATH"];
        assert_eq!(forbidden(harmless), None);
        for name in [
            "DATABASE_URL",
            "PGPASSWORD",
            "MOLAR_S3_SECRET_KEY",
            "AWS_ACCESS_KEY_ID",
        ] {
            assert_eq!(forbidden(harmless.into_iter().chain([name])), Some(name));
        }
    }
}
