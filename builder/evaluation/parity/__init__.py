"""Differences between the replies of two functions, or of a function and its reference."""
