-- Accounts whose address is confirmed, tokens with scopes, mail, notices, announcements.

ALTER TABLE registration.users
    ADD COLUMN confirmed_at TIMESTAMPTZ,                   -- the address was confirmed by a link that was mailed to it
    ADD COLUMN must_confirm BOOLEAN NOT NULL DEFAULT false,   -- until then the person may log in and read only
    ADD COLUMN wants_notices BOOLEAN NOT NULL DEFAULT true;   -- mail about results, deadlines, announcements

ALTER TABLE registration.tokens
    ADD COLUMN scopes TEXT[] NOT NULL DEFAULT '{read,submit,organize,account}',
    ADD CONSTRAINT tokens_scopes CHECK (scopes <@ ARRAY['read', 'submit', 'organize', 'account'] AND cardinality(scopes) > 0);

CREATE OR REPLACE VIEW registration.callers AS
SELECT t.id AS token_id, t.token_hash, t.kind AS token_kind, t.expires_at,
       u.id AS user_id, u.name AS user_name, u.is_admin,
       COALESCE((SELECT array_agg(m.team_id ORDER BY m.team_id) FROM registration.memberships m WHERE m.user_id = u.id), '{}') AS team_ids,
       COALESCE((SELECT array_agg(r.challenge_id) FROM registration.challenge_roles r WHERE r.user_id = u.id AND r.role = 'organizer'), '{}') AS organizer_of,
       COALESCE((SELECT array_agg(r.challenge_id) FROM registration.challenge_roles r WHERE r.user_id = u.id AND r.role = 'reviewer'), '{}') AS reviewer_of,
       t.scopes, t.last_used_at,
       NOT u.must_confirm OR u.confirmed_at IS NOT NULL AS may_take_part
FROM registration.tokens t
JOIN registration.users u ON u.id = t.user_id
WHERE t.revoked_at IS NULL AND u.anonymised_at IS NULL;

-- Every role sees tokens used; the row is still written by this schema's owner alone.
CREATE FUNCTION registration.note_use(token UUID, at TIMESTAMPTZ) RETURNS VOID
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE registration.tokens t SET last_used_at = note_use.at
    WHERE t.id = note_use.token AND (t.last_used_at IS NULL OR t.last_used_at <= note_use.at - interval '1 minute')
$$;
REVOKE ALL ON FUNCTION registration.note_use FROM PUBLIC;
GRANT EXECUTE ON FUNCTION registration.note_use
    TO molar_registration, molar_tracks, molar_submission, molar_execution, molar_scoring, molar_leaderboard;

-- Tries that were not right, or that cost us a mail: what slows the next.
CREATE TABLE registration.tries (
    key      BYTEA PRIMARY KEY,                      -- keyed hash of door and account, or of door and address: nothing personal
    count    INTEGER NOT NULL,
    last_at  TIMESTAMPTZ NOT NULL
);
CREATE INDEX tries_old ON registration.tries (last_at);

-- Links that were mailed. The secret in a link is made anew from its id when the mail goes out.
CREATE TABLE registration.mail_links (
    id          UUID PRIMARY KEY,
    user_id     UUID NOT NULL REFERENCES registration.users,
    purpose     TEXT NOT NULL CHECK (purpose IN ('confirm', 'change', 'reset')),
    email       TEXT NOT NULL,                       -- where it went; of a change, the new address
    token_hash  BYTEA NOT NULL UNIQUE,               -- SHA-256 of the secret
    created_at  TIMESTAMPTZ NOT NULL,
    expires_at  TIMESTAMPTZ NOT NULL,
    used_at     TIMESTAMPTZ
);
CREATE INDEX mail_links_of_user ON registration.mail_links (user_id);

-- Mails: written with what causes them, sent by a leased loop, each again until a server took it.
CREATE TABLE registration.mails (
    id                UUID PRIMARY KEY,              -- also the Message-ID
    cause             TEXT NOT NULL UNIQUE,          -- <occasion>/<subject>/<user>: once, whatever happens
    kind              TEXT NOT NULL CHECK (kind IN ('account', 'notice')),   -- notices can be opted out of
    user_id           UUID NOT NULL REFERENCES registration.users,
    recipient         TEXT NOT NULL,                 -- empty once erased
    subject           TEXT NOT NULL,
    text              TEXT NOT NULL,                 -- {link} stands for the link, where there is one
    link_id           UUID REFERENCES registration.mail_links ON DELETE SET NULL,
    created_at        TIMESTAMPTZ NOT NULL,
    deadline          TIMESTAMPTZ NOT NULL,          -- given up after this
    not_before        TIMESTAMPTZ NOT NULL,
    attempts          INTEGER NOT NULL DEFAULT 0,
    lease_token       UUID,
    lease_expires_at  TIMESTAMPTZ,
    sent_at           TIMESTAMPTZ,
    given_up_at       TIMESTAMPTZ,
    last_error        TEXT,                          -- what the mail server said, without addresses
    CONSTRAINT mails_one_line CHECK (subject !~ '[[:cntrl:]]' AND recipient !~ '[[:cntrl:][:space:]]'),
    CONSTRAINT mails_one_end CHECK (sent_at IS NULL OR given_up_at IS NULL),
    CONSTRAINT mails_lease_all_or_none CHECK ((lease_token IS NULL) = (lease_expires_at IS NULL))
);
CREATE INDEX mails_waiting ON registration.mails (not_before) WHERE sent_at IS NULL AND given_up_at IS NULL;
CREATE INDEX mails_of_user ON registration.mails (user_id);

-- What teams were told of already.
CREATE TABLE registration.noticed (
    subject_id  UUID NOT NULL,                       -- submission or participation
    occasion    TEXT NOT NULL,                       -- 'ended', 'decided <time>', 'closing <phase> <time>'
    noticed_at  TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (subject_id, occasion)
);

CREATE TABLE registration.announcements (
    id              UUID PRIMARY KEY,                -- v7, so primary-key order is time's
    challenge_id    UUID NOT NULL REFERENCES tracks.challenges,
    title           TEXT NOT NULL,
    text            TEXT NOT NULL,
    is_mailed       BOOLEAN NOT NULL,
    created_by      UUID NOT NULL REFERENCES registration.users,
    created_at      TIMESTAMPTZ NOT NULL,
    withdrawn_by    UUID REFERENCES registration.users,
    withdrawn_at    TIMESTAMPTZ,
    withdrawn_reason TEXT,                           -- shown in its place
    CONSTRAINT announcements_title_length CHECK (length(title) BETWEEN 1 AND 200),
    CONSTRAINT announcements_withdrawn_all_or_none
        CHECK ((withdrawn_at IS NULL) = (withdrawn_by IS NULL) AND (withdrawn_at IS NULL) = (withdrawn_reason IS NULL))
);
CREATE INDEX announcements_of_challenge ON registration.announcements (challenge_id, id DESC);

CREATE VIEW registration.announced AS
SELECT a.id AS announcement_id, a.challenge_id, a.title, a.text, a.created_at, a.withdrawn_at, a.withdrawn_reason
FROM registration.announcements a;

GRANT SELECT, INSERT, UPDATE, DELETE ON registration.tries, registration.mail_links, registration.mails, registration.noticed
    TO molar_registration;
GRANT SELECT, INSERT, UPDATE ON registration.announcements TO molar_registration;
GRANT SELECT ON registration.announced TO molar_tracks;

-- What was handed in, cheap to look through, as far as it says who works with whom: submission.life tells how one
-- ended.
CREATE VIEW submission.handed_in AS
SELECT s.id AS submission_id, s.phase_id, s.team_id, s.created_by, s.kind, s.created_at, s.is_trial,
       u.state, u.sha256, u.image_digest
FROM submission.submissions s
JOIN submission.uploads u ON u.submission_id = s.id;
GRANT SELECT ON submission.handed_in TO molar_registration, molar_leaderboard;

-- A person who deleted the account leaves signatures without a name.
CREATE FUNCTION registration.erase_person(person UUID) RETURNS VOID
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM registration.users u WHERE u.id = person AND u.anonymised_at IS NOT NULL) THEN
        RAISE EXCEPTION 'only of an account that is deleted';
    END IF;
    UPDATE registration.agreements SET signed_name = 'erased', affiliation = '' WHERE user_id = person;
END $$;
REVOKE ALL ON FUNCTION registration.erase_person FROM PUBLIC;
GRANT EXECUTE ON FUNCTION registration.erase_person TO molar_registration;

-- What happened before there was mail is no news.
INSERT INTO registration.noticed SELECT id, 'ended', now() FROM submission.submissions;
INSERT INTO registration.noticed
SELECT id, 'decided ' || extract(epoch FROM decided_at)::bigint, now() FROM registration.participations WHERE decided_at IS NOT NULL;
