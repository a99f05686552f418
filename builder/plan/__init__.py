"""A manifest and its models brought together."""
