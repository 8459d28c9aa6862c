//! Ids as newtypes: a team's id is not a track's.

macro_rules! ids {
    ($($name:ident),+ $(,)?) => {$(
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub uuid::Uuid);

        impl $name {
            /// A new id whose order is that of its time.
            pub fn at(now: chrono::DateTime<chrono::Utc>) -> Self {
                Self(uuid_at(now))
            }
        }

        impl From<uuid::Uuid> for $name {
            fn from(id: uuid::Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for uuid::Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

ids!(
    UserId,
    TeamId,
    ChallengeId,
    TrackId,
    SplitId,
    CaseId,
    PhaseId,
    ParticipationId,
    SubmissionId,
    AttemptId,
    CaseRunId,
    EvaluationId,
    RankingId,
    WorkerId,
    ReferenceId,
    ReferenceSetId,
    RescoringId,
);

/// A UUIDv7 of the clock's time; the rest is random.
pub fn uuid_at(now: chrono::DateTime<chrono::Utc>) -> uuid::Uuid {
    let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
    uuid::Uuid::new_v7(uuid::Timestamp::from_unix(
        uuid::NoContext,
        seconds,
        now.timestamp_subsec_nanos(),
    ))
}
