-- What else a challenge file says of its phases and splits, and who changed what of it.

ALTER TABLE tracks.phases
    ADD COLUMN freezes_at TIMESTAMPTZ,               -- from then on the board stands still, until it is published
    ADD COLUMN visibility TEXT NOT NULL DEFAULT 'public',   -- of the board: domain::phase::Visibility
    ADD COLUMN allowed_licences TEXT[] NOT NULL DEFAULT '{}',   -- SPDX identifiers; none: any
    ADD COLUMN finalists_of UUID REFERENCES tracks.phases,  -- only the best of that phase may submit
    ADD COLUMN finalists_top INTEGER,                -- ranks 1 to this
    ADD CONSTRAINT phases_visibility CHECK (visibility IN ('public', 'participants', 'organizers')),
    ADD CONSTRAINT phases_finalists CHECK ((finalists_of IS NULL) = (finalists_top IS NULL)),
    ADD CONSTRAINT phases_finalists_of_another CHECK (finalists_of <> id);

-- Beside tracks.phase_facts: what submission and leaderboard go by.
CREATE VIEW tracks.phase_rules AS
SELECT p.id AS phase_id, p.freezes_at, p.visibility, p.allowed_licences, p.finalists_of, p.finalists_top,
       f.title AS finalists_title, f.closes_at AS finalists_closes_at
FROM tracks.phases p
LEFT JOIN tracks.phases f ON f.id = p.finalists_of;

ALTER TABLE submission.submissions ADD COLUMN licence TEXT;   -- SPDX, of the public code; where the phase asks for one

CREATE VIEW leaderboard.places AS
SELECT r.phase_id, e.team_id, e.final_rank
FROM leaderboard.current_rankings r
JOIN leaderboard.entries e ON e.ranking_id = r.ranking_id;

-- Who wrote what: an organizer is told the name of another.
CREATE VIEW registration.names AS SELECT u.id AS user_id, u.name FROM registration.users u;

-- Each change of a challenge by a file or on a page, with the values before and after. Append only.
CREATE TABLE tracks.changes (
    id            UUID PRIMARY KEY,
    challenge_id  UUID NOT NULL REFERENCES tracks.challenges,
    file_id       UUID REFERENCES tracks.challenge_files,   -- NULL: on a page, or by the API, without a file
    changed_by    UUID NOT NULL,
    changed_at    TIMESTAMPTZ NOT NULL,
    reason        TEXT,
    steps         JSONB NOT NULL                     -- [{change, what, detail, changes: [{key, from, to}]}]
);
CREATE INDEX changes_of_challenge ON tracks.changes (challenge_id, id);

GRANT SELECT ON tracks.phase_rules TO molar_tracks, molar_submission, molar_leaderboard;
GRANT SELECT ON leaderboard.places TO molar_tracks, molar_submission;
GRANT SELECT ON registration.names TO molar_tracks;
GRANT SELECT, INSERT ON tracks.changes TO molar_tracks;
