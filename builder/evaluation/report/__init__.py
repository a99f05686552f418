"""The HTML report of evaluations: one file without external resources."""
