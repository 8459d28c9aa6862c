//! Where a team stood a day before.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgPool;
use uuid::Uuid;

use crate::rows::phases::Phase;
use crate::rows::rankings::{self, Ranking};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Up,
    Down,
    Same,
    /// It had no rank the day before.
    New,
}

/// Against the ranking that stood 24 hours before, or when the day began where a board is shown day by day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Movement {
    pub direction: Direction,
    /// By how many ranks.
    pub by: i32,
}

/// The ranks of the day before.
pub struct Before(BTreeMap<Uuid, Option<i32>>);

/// None where no ranking stood then.
pub async fn before(
    db: &PgPool,
    phase: &Phase,
    current: &Ranking,
    day_before: DateTime<Utc>,
) -> sqlx::Result<Option<Before>> {
    if current.created_at <= day_before {
        return rankings::places(db, current.id).await.map(Before).map(Some);
    }
    match rankings::at(db, phase.id, Some(day_before)).await? {
        Some(ranking) => rankings::places(db, ranking.id).await.map(Before).map(Some),
        None => Ok(None),
    }
}

impl Before {
    /// None for who has no rank now.
    pub fn movement(&self, team: Uuid, rank: Option<i32>) -> Option<Movement> {
        let rank = rank?;
        let by = self.0.get(&team).copied().flatten().map(|old| old - rank);
        let direction = match by {
            None => Direction::New,
            Some(0) => Direction::Same,
            Some(by) if by > 0 => Direction::Up,
            Some(_) => Direction::Down,
        };
        Some(Movement {
            direction,
            by: by.unwrap_or_default().abs(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_team_goes_up_down_stays_or_is_new() {
        let id = Uuid::from_u128;
        let before = Before(BTreeMap::from([
            (id(1), Some(3)),
            (id(2), Some(1)),
            (id(3), Some(2)),
            (id(4), None),
        ]));
        let moved = |team, rank| {
            let movement = before.movement(id(team), rank)?;
            Some((movement.direction, movement.by))
        };
        assert_eq!(moved(1, Some(1)), Some((Direction::Up, 2)));
        assert_eq!(moved(2, Some(2)), Some((Direction::Down, 1)));
        assert_eq!(moved(3, Some(2)), Some((Direction::Same, 0)));
        assert_eq!(moved(4, Some(4)), Some((Direction::New, 0)));
        assert_eq!(moved(5, Some(5)), Some((Direction::New, 0)));
        assert_eq!(moved(1, None), None);
    }
}
