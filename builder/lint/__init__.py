"""Lint rules: checks that need the manifest and its models together."""
