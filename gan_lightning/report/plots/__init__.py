"""The pictures of reports, one module a kind of picture; `drawing` says what they have in common."""
