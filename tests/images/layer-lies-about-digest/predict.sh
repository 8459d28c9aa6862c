# Never run.
