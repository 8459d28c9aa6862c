use molar_domain::spelled_enum;

spelled_enum! {
    /// A process that logs in to the database, spelled like its schema.
    pub enum Role as "role" {
        Registration = "registration",
        Tracks = "tracks",
        Submission = "submission",
        Execution = "execution",
        Scoring = "scoring",
        Leaderboard = "leaderboard",
    }
}

impl Role {
    /// The name under which the role logs in to PostgreSQL.
    pub fn login(self) -> String {
        format!("molar_{}", self.as_str())
    }
}
