-- Who takes part. Owned by the role `registration`.

CREATE TABLE registration.users (
    id             UUID PRIMARY KEY,
    email          TEXT NOT NULL,                    -- lower case; the person's address until anonymised
    name           TEXT NOT NULL,                    -- shown to team mates and organizers
    affiliation    TEXT NOT NULL DEFAULT '',
    password_hash  TEXT NOT NULL,                    -- argon2id, PHC string
    is_admin       BOOLEAN NOT NULL DEFAULT false,   -- only set on the database's host
    created_at     TIMESTAMPTZ NOT NULL,
    anonymised_at  TIMESTAMPTZ,
    CONSTRAINT users_email_unique UNIQUE (email),
    CONSTRAINT users_email_lower CHECK (email = lower(email) AND length(email) BETWEEN 3 AND 320),
    CONSTRAINT users_name_length CHECK (length(name) BETWEEN 1 AND 200)
);

-- Sessions of pages and tokens of the API: both are opaque strings of which we keep the hash.
CREATE TABLE registration.tokens (
    id            UUID PRIMARY KEY,
    user_id       UUID NOT NULL REFERENCES registration.users,
    kind          TEXT NOT NULL CHECK (kind IN ('session', 'api')),
    name          TEXT NOT NULL,                     -- what its owner calls it
    token_hash    BYTEA NOT NULL UNIQUE,             -- SHA-256 of the token
    created_at    TIMESTAMPTZ NOT NULL,
    expires_at    TIMESTAMPTZ NOT NULL,
    revoked_at    TIMESTAMPTZ,
    last_used_at  TIMESTAMPTZ
);
CREATE INDEX tokens_of_user ON registration.tokens (user_id);

-- What a user may do in a challenge beyond taking part.
CREATE TABLE registration.challenge_roles (
    challenge_id  UUID NOT NULL,
    user_id       UUID NOT NULL REFERENCES registration.users,
    role          TEXT NOT NULL CHECK (role IN ('organizer', 'reviewer')),
    granted_by    UUID,                              -- NULL: on the database's host
    granted_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (challenge_id, user_id)
);

CREATE TABLE registration.teams (
    id            UUID PRIMARY KEY,
    challenge_id  UUID NOT NULL,
    name          TEXT NOT NULL,
    captain_id    UUID NOT NULL REFERENCES registration.users,
    created_at    TIMESTAMPTZ NOT NULL,
    CONSTRAINT teams_name_length CHECK (length(name) BETWEEN 2 AND 60)
);
CREATE UNIQUE INDEX teams_name_unique ON registration.teams (challenge_id, lower(name));

CREATE TABLE registration.memberships (
    team_id    UUID NOT NULL REFERENCES registration.teams,
    user_id    UUID NOT NULL REFERENCES registration.users,
    joined_at  TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (team_id, user_id)
);
CREATE INDEX memberships_of_user ON registration.memberships (user_id);

CREATE TABLE registration.invitations (
    id          UUID PRIMARY KEY,
    team_id     UUID NOT NULL REFERENCES registration.teams,
    token_hash  BYTEA NOT NULL UNIQUE,               -- SHA-256 of the secret in the link
    invited_by  UUID NOT NULL REFERENCES registration.users,
    created_at  TIMESTAMPTZ NOT NULL,
    expires_at  TIMESTAMPTZ NOT NULL,
    used_by     UUID REFERENCES registration.users,
    used_at     TIMESTAMPTZ,
    revoked_at  TIMESTAMPTZ,
    CONSTRAINT invitations_used_both CHECK ((used_by IS NULL) = (used_at IS NULL))
);

-- A team's place in a track.
CREATE TABLE registration.participations (
    id                   UUID PRIMARY KEY,
    team_id              UUID NOT NULL REFERENCES registration.teams,
    track_id             UUID NOT NULL,
    state                TEXT NOT NULL CHECK (state IN ('requested', 'approved', 'refused', 'withdrawn', 'disqualified')),
    reason               TEXT,                       -- of a refusal or disqualification, shown to the team
    is_out_of_competition BOOLEAN NOT NULL DEFAULT false,
    out_reason           TEXT,                       -- shown on the board beside the entry
    requested_by         UUID NOT NULL REFERENCES registration.users,
    requested_at         TIMESTAMPTZ NOT NULL,
    decided_by           UUID REFERENCES registration.users,
    decided_at           TIMESTAMPTZ,
    CONSTRAINT participations_once UNIQUE (team_id, track_id),
    CONSTRAINT participations_reason CHECK (state NOT IN ('refused', 'disqualified') OR reason IS NOT NULL),
    CONSTRAINT participations_out_reason CHECK (is_out_of_competition = (out_reason IS NOT NULL))
);
CREATE INDEX participations_by_track ON registration.participations (track_id, state);

-- One team per person and track, by the primary key: written for every member when a team asks to
-- take part, and for every team's track when a person joins.
CREATE TABLE registration.track_memberships (
    track_id  UUID NOT NULL,
    user_id   UUID NOT NULL REFERENCES registration.users,
    team_id   UUID NOT NULL,
    PRIMARY KEY (track_id, user_id),
    FOREIGN KEY (team_id, user_id) REFERENCES registration.memberships (team_id, user_id) ON DELETE CASCADE,
    FOREIGN KEY (team_id, track_id) REFERENCES registration.participations (team_id, track_id)
);

-- Signed versions of a challenge's data-use terms.
CREATE TABLE registration.agreements (
    id            UUID PRIMARY KEY,
    user_id       UUID NOT NULL REFERENCES registration.users,
    challenge_id  UUID NOT NULL,
    version       TEXT NOT NULL,
    text_sha256   TEXT NOT NULL,                     -- hex; of the text that was shown
    signed_name   TEXT NOT NULL,
    affiliation   TEXT NOT NULL,
    signed_at     TIMESTAMPTZ NOT NULL,
    CONSTRAINT agreements_once UNIQUE (user_id, challenge_id, version)
);

-- What every role authenticates from. One row per token that is neither revoked nor its user gone;
-- the reader compares `expires_at` with its clock.
CREATE VIEW registration.callers AS
SELECT t.id AS token_id, t.token_hash, t.kind AS token_kind, t.expires_at,
       u.id AS user_id, u.name AS user_name, u.is_admin,
       COALESCE((SELECT array_agg(m.team_id ORDER BY m.team_id) FROM registration.memberships m WHERE m.user_id = u.id), '{}') AS team_ids,
       COALESCE((SELECT array_agg(r.challenge_id) FROM registration.challenge_roles r WHERE r.user_id = u.id AND r.role = 'organizer'), '{}') AS organizer_of,
       COALESCE((SELECT array_agg(r.challenge_id) FROM registration.challenge_roles r WHERE r.user_id = u.id AND r.role = 'reviewer'), '{}') AS reviewer_of
FROM registration.tokens t
JOIN registration.users u ON u.id = t.user_id
WHERE t.revoked_at IS NULL AND u.anonymised_at IS NULL;

-- What other roles may know of a team in a track.
CREATE VIEW registration.participants AS
SELECT p.id AS participation_id, p.team_id, p.track_id, p.state, p.reason,
       p.is_out_of_competition, p.out_reason, t.name AS team_name, t.challenge_id
FROM registration.participations p
JOIN registration.teams t ON t.id = p.team_id;

-- Who signed what, for the roles that hand out data or take submissions.
CREATE VIEW registration.signatures AS
SELECT user_id, challenge_id, version, text_sha256, signed_at FROM registration.agreements;
