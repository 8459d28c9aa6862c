-- What loops and handlers look for among all that ever was.
CREATE INDEX mails_unsent ON registration.mails (id) WHERE sent_at IS NULL;
CREATE INDEX case_references_of_case ON tracks.case_references (case_id);
