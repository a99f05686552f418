"""Steps from the model's outputs to instances, one module a family of models."""
