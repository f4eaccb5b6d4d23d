"""Generators and critics, one file an architecture."""
