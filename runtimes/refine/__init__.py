"""Steps from instances to fewer instances."""
