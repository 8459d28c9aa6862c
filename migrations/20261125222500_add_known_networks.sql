-- Who signs in from where it signed in before is not slowed by what others try at the account from elsewhere.
CREATE TABLE registration.known_networks (
    key    BYTEA PRIMARY KEY,                        -- a keyed hash of account and network: neither can be read from it
    until  TIMESTAMPTZ NOT NULL
);
CREATE INDEX known_networks_old ON registration.known_networks (until);
GRANT SELECT, INSERT, UPDATE, DELETE ON registration.known_networks TO molar_registration;

ALTER TABLE registration.sightings DROP CONSTRAINT sightings_occasion_check,
    ADD CONSTRAINT sightings_occasion_check
        CHECK (occasion IN ('registered', 'agreement-signed', 'team-joined', 'place-requested'));
