"""Manifests: YAML with locations, the schema, reading, and recovery after errors."""
