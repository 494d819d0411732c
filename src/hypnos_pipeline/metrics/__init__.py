"""One file for each metric, with features computed once and shared."""
