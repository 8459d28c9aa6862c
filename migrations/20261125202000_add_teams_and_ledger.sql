-- Teams that a phase locks, what organizers ask of a team, who was given which file, and questions.

ALTER TABLE tracks.phases
    ADD COLUMN locks_teams BOOLEAN NOT NULL DEFAULT false;   -- from its opening on, members of the track's teams stay
ALTER TABLE tracks.tracks
    ADD COLUMN questions JSONB NOT NULL DEFAULT '[]';        -- domain::challenge::question::Question, asked of a team that wants a place

-- Since when the members of a track's teams cannot change.
CREATE VIEW tracks.team_locks AS
SELECT p.id AS phase_id, p.title AS phase_title, p.opens_at, t.id AS track_id, t.title AS track_title,
       c.id AS challenge_id, c.slug AS challenge_slug, c.title AS challenge_title, c.zone
FROM tracks.phases p
JOIN tracks.tracks t ON t.id = p.track_id
JOIN tracks.challenges c ON c.id = t.challenge_id
WHERE p.locks_teams;

-- The ledger of data: a row for each link that was handed out. Append only.
CREATE TABLE tracks.downloads (
    id            UUID PRIMARY KEY,                  -- v7: in the order of time
    challenge_id  UUID NOT NULL REFERENCES tracks.challenges,
    user_id       UUID NOT NULL REFERENCES registration.users,
    kind          TEXT NOT NULL CHECK (kind IN ('image', 'reference', 'pack')),
    file_id       UUID NOT NULL,                     -- of an image and a reference the case, else the pack
    place         TEXT NOT NULL,                     -- track/split/file, as it was called then
    size_bytes    BIGINT NOT NULL,
    handed_at     TIMESTAMPTZ NOT NULL,
    expires_at    TIMESTAMPTZ NOT NULL,              -- of the link
    CONSTRAINT downloads_expire CHECK (expires_at > handed_at)
);
CREATE INDEX downloads_of_challenge ON tracks.downloads (challenge_id, id);
CREATE INDEX downloads_of_user ON tracks.downloads (challenge_id, user_id, id);

CREATE VIEW tracks.handed_out AS
SELECT d.id AS download_id, d.challenge_id, d.user_id, d.kind, d.file_id, d.place, d.size_bytes, d.handed_at, d.expires_at
FROM tracks.downloads d;

GRANT SELECT, INSERT ON tracks.downloads TO molar_tracks;
GRANT SELECT ON tracks.team_locks, tracks.handed_out, tracks.agreement_texts TO molar_registration;

ALTER TABLE registration.teams
    ADD COLUMN dissolved_at TIMESTAMPTZ,             -- its last member left before it submitted anything
    ADD COLUMN unlocked_until TIMESTAMPTZ;           -- an organizer lets its members change although a phase locks them
DROP INDEX registration.teams_name_unique;
CREATE UNIQUE INDEX teams_name_unique ON registration.teams (challenge_id, lower(name)) WHERE dissolved_at IS NULL;

-- Whoever leaves a team that has submitted stays bound to it in that track: a person does not work in one
-- team after the other. So the row outlives the membership.
ALTER TABLE registration.track_memberships DROP CONSTRAINT track_memberships_team_id_user_id_fkey;

ALTER TABLE registration.participations
    ADD COLUMN answers JSONB NOT NULL DEFAULT '[]',  -- [{id, question, answer}]: as asked then
    ADD COLUMN is_reason_public BOOLEAN NOT NULL DEFAULT false,   -- the reason of a disqualification stands on the board
    ADD CONSTRAINT participations_public_reason CHECK (NOT is_reason_public OR state = 'disqualified');

CREATE OR REPLACE VIEW registration.participants AS
SELECT p.id AS participation_id, p.team_id, p.track_id, p.state, p.reason,
       p.is_out_of_competition, p.out_reason, t.name AS team_name, t.challenge_id,
       p.is_reason_public
FROM registration.participations p
JOIN registration.teams t ON t.id = p.team_id;

-- From which network address a person signed an agreement or joined a team. Personal, and so apart:
-- erased with the account, purged after a while; nothing else needs it.
CREATE TABLE registration.sightings (
    id          UUID PRIMARY KEY,
    user_id     UUID NOT NULL REFERENCES registration.users,
    occasion    TEXT NOT NULL CHECK (occasion IN ('agreement-signed', 'team-joined', 'place-requested')),
    subject_id  UUID NOT NULL,                       -- the agreement, the team, the participation
    address     INET NOT NULL,
    seen_at     TIMESTAMPTZ NOT NULL
);
CREATE INDEX sightings_of_user ON registration.sightings (user_id);
CREATE INDEX sightings_of_subject ON registration.sightings (subject_id);
CREATE INDEX sightings_old ON registration.sightings (seen_at);

-- What people ask the organizers. Team, asker and organizers read it.
CREATE TABLE registration.questions (
    id             UUID PRIMARY KEY,
    challenge_id   UUID NOT NULL REFERENCES tracks.challenges,
    submission_id  UUID REFERENCES submission.submissions,   -- what it is about
    team_id        UUID REFERENCES registration.teams,       -- of the asker, if any: its members read it, too
    asked_by       UUID NOT NULL REFERENCES registration.users,
    asked_at       TIMESTAMPTZ NOT NULL,
    text           TEXT NOT NULL CHECK (length(text) BETWEEN 1 AND 4000),
    answer         TEXT CHECK (length(answer) BETWEEN 1 AND 4000),
    answered_by    UUID REFERENCES registration.users,
    answered_at    TIMESTAMPTZ,
    CONSTRAINT questions_answered_all_or_none CHECK ((answer IS NULL) = (answered_at IS NULL) AND (answer IS NULL) = (answered_by IS NULL))
);
CREATE INDEX questions_of_challenge ON registration.questions (challenge_id, id);
CREATE INDEX questions_of_asker ON registration.questions (asked_by, asked_at);
CREATE INDEX questions_of_team ON registration.questions (team_id, id);

-- The public page of a challenge: questions with answers, and errata. Written anew for the public.
CREATE TABLE registration.public_notes (
    id            UUID PRIMARY KEY,
    challenge_id  UUID NOT NULL REFERENCES tracks.challenges,
    kind          TEXT NOT NULL CHECK (kind IN ('faq', 'erratum')),
    title         TEXT NOT NULL CHECK (length(title) BETWEEN 1 AND 300),   -- the question, or what was wrong
    text          TEXT NOT NULL CHECK (length(text) BETWEEN 1 AND 4000),
    question_id   UUID REFERENCES registration.questions,   -- the private one that it came from
    published_by  UUID NOT NULL REFERENCES registration.users,
    published_at  TIMESTAMPTZ NOT NULL,
    retracted_at  TIMESTAMPTZ
);
CREATE INDEX public_notes_of_challenge ON registration.public_notes (challenge_id, id) WHERE retracted_at IS NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON registration.sightings TO molar_registration;
GRANT SELECT, INSERT, UPDATE ON registration.questions, registration.public_notes TO molar_registration;
