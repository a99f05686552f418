"""Errors and warnings for people: the model, and how they are printed."""
