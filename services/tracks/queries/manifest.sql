SELECT c.id, c.name, c.image_name, c.size_bytes, c.sha256,
       r.size_bytes AS "reference_size_bytes?", r.sha256 AS "reference_sha256?"
FROM tracks.cases c
LEFT JOIN tracks.case_references r ON r.case_id = c.id AND r.state = 'stored' AND r.reference_set_id =
    (SELECT n.id FROM tracks.reference_sets n
     JOIN tracks.splits p ON p.id = n.split_id AND p.are_references_public
     WHERE n.split_id = $1 ORDER BY n.version DESC LIMIT 1)
WHERE c.split_id = $1 AND c.state = 'stored' AND c.id > $2
ORDER BY c.id LIMIT $3
