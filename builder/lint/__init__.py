"""Lint rules: manifests that are valid, but seldom do what their authors want."""
