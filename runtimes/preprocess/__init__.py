"""Steps that turn an image into the model's input."""
