"""Steps that find an object in the next frame, one module per family of models."""
