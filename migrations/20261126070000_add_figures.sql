-- What is drawn of a ranking. Owned by the role `leaderboard`.

-- Drawn from rows that never change and from the names of teams, so that it can be drawn again at any time, also of an old
-- version. No history is kept: of each phase there is the newest, and while its board is frozen also the drawing of the
-- version that the public sees.
CREATE TABLE leaderboard.drawings (
    phase_id UUID NOT NULL,
    version  INTEGER NOT NULL,      -- of the ranking that is drawn
    made_at  TIMESTAMPTZ NOT NULL,
    names    TEXT[] NOT NULL,       -- of the teams in it; shown only to who sees each of them on the board
    PRIMARY KEY (phase_id, version),
    FOREIGN KEY (phase_id, version) REFERENCES leaderboard.rankings (phase_id, version)
);

CREATE TABLE leaderboard.figures (
    phase_id UUID NOT NULL,
    version  INTEGER NOT NULL,
    name     TEXT NOT NULL CHECK (name ~ '^[A-Za-z0-9_@.-]{1,100}$'),
    position INTEGER NOT NULL,      -- on the page
    title    TEXT NOT NULL,
    note     TEXT NOT NULL,         -- how it is to be read; may be empty
    wide     TEXT NOT NULL,         -- an SVG for pages
    narrow   TEXT NOT NULL,         -- the same for telephones
    file     TEXT NOT NULL,         -- the same to be downloaded
    PRIMARY KEY (phase_id, version, name),
    FOREIGN KEY (phase_id, version) REFERENCES leaderboard.drawings (phase_id, version) ON DELETE CASCADE
);

GRANT SELECT, INSERT, UPDATE, DELETE ON leaderboard.drawings TO molar_leaderboard;
GRANT SELECT, INSERT, DELETE ON leaderboard.figures TO molar_leaderboard;
