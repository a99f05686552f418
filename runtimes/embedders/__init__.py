"""Steps from what a model says of a crop to a vector that is compared."""
