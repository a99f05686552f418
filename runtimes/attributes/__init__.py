"""Steps that add attributes to instances."""
