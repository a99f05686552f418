"""Generated reference: the JSON Schema of manifests and the pages in docs/."""
