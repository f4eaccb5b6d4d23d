"""Reports: read the run directories of a study, and nothing else, into a table beside the paper's."""
