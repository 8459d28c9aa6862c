-- What a retention took is not listed among what can be taken out or looked at.
GRANT SELECT ON execution.removed, submission.removed TO molar_scoring;
