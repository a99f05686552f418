"""Steps that decode the model's outputs, one module per family of models."""
