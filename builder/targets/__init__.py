"""Targets: from a plan to the files of a function."""
