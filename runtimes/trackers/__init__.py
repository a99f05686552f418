"""Steps that find an object again in the next frame, one module a family of models."""
