-- What was found in images, and in references beside their images; labels to train with; cases that were
-- taken out before a phase opened.

ALTER TABLE tracks.splits
    ADD COLUMN are_references_public BOOLEAN NOT NULL DEFAULT false,   -- signed members may download them
    ADD COLUMN announced_labelled INTEGER,           -- what the challenge file promises, as announced_cases
    ADD COLUMN announced_slices INTEGER;

ALTER TABLE tracks.cases
    ADD COLUMN shape INTEGER[],                      -- of the image: [height, width] or [x, y, z]; NULL: not told
    ADD COLUMN spacing_mm DOUBLE PRECISION[],        -- of a volume along x, y, z, as its header says
    ADD COLUMN affine DOUBLE PRECISION[],            -- of a volume: from voxels to mm, three rows of four
    ADD COLUMN image_complaint TEXT,                 -- why the image cannot be used, with the mend
    DROP CONSTRAINT cases_state_check,
    ADD CONSTRAINT cases_state_check CHECK (state IN ('announced', 'stored', 'removed')),
    DROP CONSTRAINT cases_name_unique;
CREATE UNIQUE INDEX cases_name_unique ON tracks.cases (split_id, name) WHERE state <> 'removed';
-- A page of a list is as quick at its end as at its start.
CREATE INDEX cases_of_split ON tracks.cases (split_id, id);

ALTER TABLE scoring.reference_facts
    ADD COLUMN image_shape INTEGER[],                -- of the image that it was compared with
    ADD COLUMN warning TEXT;                         -- odd, and no reason to refuse it

CREATE OR REPLACE VIEW tracks.stored_references AS
SELECT r.id AS reference_id, r.reference_set_id, s.split_id, s.version, r.case_id, c.name AS case_name,
       r.object_key, r.size_bytes, r.sha256, t.format, t.labels,
       CASE WHEN p.are_references_public THEN 'public' ELSE 'references' END AS bucket,
       c.shape AS image_shape, c.spacing_mm AS image_spacing_mm, c.affine AS image_affine
FROM tracks.case_references r
JOIN tracks.reference_sets s ON s.id = r.reference_set_id
JOIN tracks.cases c ON c.id = r.case_id
JOIN tracks.splits p ON p.id = s.split_id
JOIN tracks.tracks t ON t.id = p.track_id
WHERE r.state = 'stored' AND c.state <> 'removed';

-- What is there of a split, and what the challenge file promises of it.
CREATE VIEW tracks.split_counts AS
SELECT s.id AS split_id, s.track_id, s.announced_cases, s.announced_labelled, s.announced_slices,
       n.known_cases, n.stored_cases, n.stored_bytes, n.bad_images, n.slices, r.labelled, r.reference_bytes, r.good_references
FROM tracks.splits s
CROSS JOIN LATERAL (
    SELECT count(*) AS known_cases,
           count(*) FILTER (WHERE c.state = 'stored') AS stored_cases,
           COALESCE(sum(c.size_bytes) FILTER (WHERE c.state = 'stored'), 0)::bigint AS stored_bytes,
           count(*) FILTER (WHERE c.state = 'stored' AND c.image_complaint IS NOT NULL) AS bad_images,
           COALESCE(sum(c.shape[3]) FILTER (WHERE c.state = 'stored'), 0)::bigint AS slices
    FROM tracks.cases c WHERE c.split_id = s.id AND c.state <> 'removed') n
CROSS JOIN LATERAL (
    SELECT count(*) AS labelled, COALESCE(sum(r.size_bytes), 0)::bigint AS reference_bytes,
           count(*) FILTER (WHERE f.is_good) AS good_references
    FROM tracks.case_references r
    JOIN tracks.cases c ON c.id = r.case_id AND c.state = 'stored'
    LEFT JOIN scoring.reference_facts f ON f.reference_id = r.id
    WHERE r.state = 'stored' AND r.reference_set_id =
        (SELECT n.id FROM tracks.reference_sets n WHERE n.split_id = s.id ORDER BY n.version DESC LIMIT 1)) r;

-- As before, and: no image that cannot be read, and as many cases as the challenge file promises.
CREATE OR REPLACE VIEW tracks.phase_readiness AS
SELECT p.id AS phase_id, n.stored_cases, n.good_references, n.known_cases AS announced_cases,
       (p.kind = 'predictions' OR p.canary_case_id IS NOT NULL) AS has_canary,
       (n.stored_cases > 0 AND n.good_references = n.stored_cases AND n.bad_images = 0
        AND n.stored_cases = COALESCE(n.announced_cases, n.stored_cases)
        AND n.labelled = COALESCE(n.announced_labelled, n.labelled)
        AND n.slices = COALESCE(n.announced_slices, n.slices)
        AND (p.kind = 'predictions' OR p.canary_case_id IS NOT NULL)) AS is_ready
FROM tracks.phases p
JOIN tracks.split_counts n ON n.split_id = p.split_id;

GRANT SELECT ON tracks.split_counts TO molar_tracks;
