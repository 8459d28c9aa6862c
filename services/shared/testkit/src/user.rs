use chrono::TimeDelta;
use molar_domain::{ChallengeId, UserId, uuid_at};
use sqlx::PgPool;
use uuid::Uuid;

use crate::noon;

#[derive(Debug, Clone)]
pub struct User {
    pub id: UserId,
    pub name: String,
    pub email: String,
}

pub struct UserBuilder {
    user: User,
    is_admin: bool,
    password_hash: String,
    organizer_of: Option<ChallengeId>,
}

impl UserBuilder {
    pub fn new(name: &str) -> Self {
        let id = UserId::at(noon());
        let user = User {
            id,
            name: name.to_owned(),
            email: format!("{id}@molar.test"),
        };
        Self {
            user,
            is_admin: false,
            password_hash: String::new(),
            organizer_of: None,
        }
    }

    pub fn email(mut self, email: &str) -> Self {
        self.user.email = email.to_lowercase();
        self
    }

    pub fn password_hash(mut self, hash: &str) -> Self {
        self.password_hash = hash.to_owned();
        self
    }

    pub fn admin(mut self) -> Self {
        self.is_admin = true;
        self
    }

    pub fn organizer_of(mut self, challenge: ChallengeId) -> Self {
        self.organizer_of = Some(challenge);
        self
    }

    pub async fn insert(self, pool: &PgPool) -> User {
        sqlx::query!(
            "INSERT INTO registration.users (id, email, name, password_hash, is_admin, created_at)
             VALUES ($1, $2, $3, $4, $5, $6)",
            self.user.id.0,
            self.user.email,
            self.user.name,
            self.password_hash,
            self.is_admin,
            noon(),
        )
        .execute(pool)
        .await
        .expect("a user");
        if let Some(challenge) = self.organizer_of {
            sqlx::query!(
                "INSERT INTO registration.challenge_roles (challenge_id, user_id, role, granted_at)
                 VALUES ($1, $2, 'organizer', $3)",
                challenge.0,
                self.user.id.0,
                noon(),
            )
            .execute(pool)
            .await
            .expect("an organizer");
        }
        self.user
    }
}

/// A token of the API for a user that is there, good for a day from [`noon`].
pub async fn token_for(pool: &PgPool, user: UserId) -> String {
    let token = format!(
        "molar_{}{}",
        Uuid::new_v4().simple(),
        Uuid::new_v4().simple()
    );
    sqlx::query!(
        "INSERT INTO registration.tokens (id, user_id, kind, name, token_hash, created_at, expires_at)
         VALUES ($1, $2, 'api', 'of a test', sha256(convert_to($3, 'UTF8')), $4, $5)",
        uuid_at(noon()),
        user.0,
        token,
        noon(),
        noon() + TimeDelta::days(1),
    )
    .execute(pool)
    .await
    .expect("a token");
    token
}
