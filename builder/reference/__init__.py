"""The JSON Schema and the reference pages, generated from the code."""
