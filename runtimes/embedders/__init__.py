"""Steps that turn a model's outputs for a crop into a vector."""
