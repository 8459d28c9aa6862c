-- What a loop looks for among all that ever was.
CREATE INDEX mails_unsent ON registration.mails (id) WHERE sent_at IS NULL;
