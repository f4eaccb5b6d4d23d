"""Reports: read the runs of a study, and nothing else, into tables and pictures, beside the paper's numbers."""
