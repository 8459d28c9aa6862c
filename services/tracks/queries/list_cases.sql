SELECT c.id, c.name, c.image_name, c.size_bytes, c.sha256, c.state, c.shape, c.image_complaint,
       s.version AS "version?", r.size_bytes AS "reference_size_bytes?",
       r.sha256 AS "reference_sha256?", r.state AS "reference_state?",
       f.is_good AS "is_good?", f.complaint AS "complaint?", f.warning AS "warning?"
FROM tracks.cases c
LEFT JOIN tracks.reference_sets s ON s.id =
    (SELECT n.id FROM tracks.reference_sets n WHERE n.split_id = $1 ORDER BY n.version DESC LIMIT 1)
LEFT JOIN tracks.case_references r ON r.case_id = c.id AND r.reference_set_id = s.id
LEFT JOIN scoring.reference_facts f ON f.reference_id = r.id
WHERE c.split_id = $1 AND c.state <> 'removed' AND c.id > $2
ORDER BY c.id LIMIT $3
