-- What a retention took, or takes now, is not run again.
GRANT SELECT ON submission.removed, execution.removed_files TO molar_execution;
