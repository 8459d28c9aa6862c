-- Erases the texts that hold one of `words` as a word or an address of its own: what is about al@example.org says nothing of
-- pal@example.org, and of nobody at al@example.org.test.
CREATE OR REPLACE FUNCTION audit.erase(at TIMESTAMPTZ, actor_id UUID, person UUID, words TEXT[])
RETURNS BIGINT LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    seqs BIGINT[];
    -- Every character that is no letter, digit or space may mean something to a pattern.
    patterns TEXT[] := ARRAY(
        SELECT '(^|[^[:alnum:]_.%+-])' || regexp_replace(trim(word), '([^[:alnum:][:space:]])', '\\\1', 'g')
            || '($|[^[:alnum:]_.-]|[.-]($|[^[:alnum:]]))'
        FROM unnest(erase.words) word WHERE length(trim(word)) > 2);
BEGIN
    SELECT array_agg(p.seq ORDER BY p.seq) INTO seqs FROM audit.personal p JOIN audit.entries e USING (seq)
    WHERE e.subject_id = erase.person OR position(erase.person::text IN e.details::text) > 0
       OR p.text ~* ANY (patterns);
    IF seqs IS NULL THEN
        RETURN 0;
    END IF;
    DELETE FROM audit.personal p WHERE p.seq = ANY (seqs);
    PERFORM audit.append(erase.at, erase.actor_id, 'personal.erased', erase.person, jsonb_build_object('seqs', seqs));
    RETURN cardinality(seqs);
END $$;
