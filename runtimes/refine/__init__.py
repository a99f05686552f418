"""Steps that drop, join or change instances."""
