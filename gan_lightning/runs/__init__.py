"""The machinery of runs: from settings to a directory of results."""
