-- What organizers were told of and is no longer so is forgotten: when it is so again they hear of it again.
GRANT DELETE ON registration.retention_notices TO molar_registration;
-- Nothing is counted while something of the phase is still to come; teams hear of no phase that they do not see.
GRANT SELECT ON submission.in_flight, tracks.phase_rules TO molar_registration;
