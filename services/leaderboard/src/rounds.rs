//! Ranks every phase in which something has changed.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use molar_domain::{Clock, PhaseId};
use sqlx::PgPool;

use crate::error::Error;
use crate::fold::{self, Basis};
use crate::rows::{phases, stamps};

/// Of each phase what it was ranked from the last time, so that a round costs little where nothing has changed, and not
/// much more where one team of a thousand has.
#[derive(Default)]
pub struct Rounds(Mutex<HashMap<PhaseId, Basis>>);

impl Rounds {
    /// Looks at every phase. One that fails is told and does not keep the others from their turn.
    pub async fn all(&self, db: &PgPool, clock: &dyn Clock) -> Result<(), Error> {
        let mut first_failure = None;
        for phase in phases::list(db).await? {
            if let Err(error) = self.one(db, &phase, clock).await {
                tracing::error!(phase.id = %phase.id, error = &error as &dyn std::error::Error, "could not rank");
                first_failure.get_or_insert(error);
            }
        }
        first_failure.map_or(Ok(()), Err)
    }

    async fn one(
        &self,
        db: &PgPool,
        phase: &phases::Phase,
        clock: &dyn Clock,
    ) -> Result<(), Error> {
        let inputs = stamps::inputs(db, phase).await?;
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lock()
            .get(&phase.id)
            .is_some_and(|basis| basis.stands(phase, &inputs))
        {
            return Ok(());
        }
        // Taken out: where ranking fails the next round looks at all of it.
        let before = lock().remove(&phase.id);
        let (_, basis) = fold::again(db, phase.id, before, clock).await?;
        if let Some(basis) = basis {
            lock().insert(phase.id, basis);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use molar_service::Role;
    use molar_testkit::{Challenge, MockClock, PhaseBuilder, Team, TeamBuilder, as_role, noon};
    use sqlx::AssertSqlSafe;

    use super::*;
    use crate::tests::world::{challenge, entry};

    /// Two entries of Ants and one of Bees; with Bees.
    async fn ants_and_bees(db: &PgPool) -> (Challenge, Team) {
        let phase = PhaseBuilder::new("validation").keep_best("IA");
        let challenge = challenge(db, phase).await;
        let (ants, bees) = (
            TeamBuilder::new(&challenge, "Ants").insert(db).await,
            TeamBuilder::new(&challenge, "Bees").insert(db).await,
        );
        for (minutes, ia) in [(1, 0.5), (2, 0.6)] {
            entry(db, &challenge, &ants, minutes, ia).await;
        }
        entry(db, &challenge, &bees, 3, 0.7).await;
        (challenge, bees)
    }

    async fn versions(db: &PgPool) -> i64 {
        sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM leaderboard.rankings"#)
            .fetch_one(db)
            .await
            .unwrap()
    }

    /// Each of these makes another ranking, so a round that passed it over would make none.
    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_round_passes_over_what_has_not_changed_and_nothing_else(db: PgPool) {
        let (challenge, bees) = ants_and_bees(&db).await;
        let role = as_role(&db, Role::Leaderboard).await;
        let (rounds, clock) = (Rounds::default(), MockClock::at(noon()));
        rounds.all(&role, &clock).await.unwrap();
        assert_eq!(versions(&db).await, 1);
        for (version, change) in (2..).zip([
            "UPDATE submission.submissions SET withdrawn_at = created_at
             WHERE id = (SELECT submission_id FROM leaderboard.entries e WHERE e.values->>'IA' = '0.6')",
            "UPDATE submission.submissions SET withdrawn_at = NULL",
            "UPDATE tracks.phases SET keep = 'chosen', keep_metric = NULL;
             UPDATE submission.submissions s SET is_chosen = true FROM scoring.evaluations v
             JOIN scoring.case_scores c ON c.evaluation_id = v.id
             WHERE v.submission_id = s.id AND c.values->>'IA' = '0.5'",
            "UPDATE submission.submissions SET is_chosen = false",
            "UPDATE registration.participations SET is_out_of_competition = true, out_reason = 'why'",
            "UPDATE registration.participations SET state = 'withdrawn'
             WHERE team_id = (SELECT id FROM registration.teams WHERE name = 'Ants')",
            "INSERT INTO scoring.frames (phase_id, scorer_version, reference_set_id, parameters_hash)
             SELECT phase_id, 'another', reference_set_id, parameters_hash FROM scoring.evaluations LIMIT 1",
        ]) {
            sqlx::raw_sql(AssertSqlSafe(change)).execute(&db).await.unwrap();
            rounds.all(&role, &clock).await.unwrap();
            assert_eq!(versions(&db).await, version, "{change}");
            // Whoever looks at everything comes to the same.
            Rounds::default().all(&role, &clock).await.unwrap();
            assert_eq!(versions(&db).await, version, "{change}");
        }
        entry(&db, &challenge, &bees, 9, 0.9).await;
        sqlx::raw_sql("DELETE FROM scoring.frames")
            .execute(&db)
            .await
            .unwrap();
        rounds.all(&role, &clock).await.unwrap();
        let before = versions(&db).await;
        // Nothing that is counted: it is not even looked at.
        sqlx::raw_sql("DELETE FROM leaderboard.entries")
            .execute(&db)
            .await
            .unwrap();
        sqlx::raw_sql("DELETE FROM leaderboard.rankings")
            .execute(&db)
            .await
            .unwrap();
        rounds.all(&role, &clock).await.unwrap();
        assert_eq!((before, versions(&db).await), (9, 0));
    }

    /// What is kept of the other team is falsified behind its back: who reads it ranks it anew.
    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_score_makes_a_round_look_at_its_team_and_at_no_other(db: PgPool) {
        let (challenge, bees) = ants_and_bees(&db).await;
        let role = as_role(&db, Role::Leaderboard).await;
        let (rounds, clock) = (Rounds::default(), MockClock::at(noon()));
        rounds.all(&role, &clock).await.unwrap();
        sqlx::raw_sql(
            "UPDATE leaderboard.means SET means = '{\"IA\": 0.9}' WHERE means->>'IA' = '0.5'",
        )
        .execute(&db)
        .await
        .unwrap();
        entry(&db, &challenge, &bees, 4, 0.8).await;
        rounds.all(&role, &clock).await.unwrap();
        assert_eq!(values(&db).await, [0.6, 0.8]);
        Rounds::default().all(&role, &clock).await.unwrap();
        assert_eq!(values(&db).await, [0.8, 0.9]);
    }

    /// Of the newest version, in their order.
    async fn values(db: &PgPool) -> Vec<f64> {
        sqlx::query_scalar!(
            r#"SELECT (e.values->>'IA')::float8 AS "ia!" FROM leaderboard.current_rankings r
               JOIN leaderboard.entries e ON e.ranking_id = r.ranking_id ORDER BY 1"#
        )
        .fetch_all(db)
        .await
        .unwrap()
    }
}
