"""Steps that turn prompts into masks, one module per family of models."""
