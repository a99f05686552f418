"""The supported model families: one module each, with one `Family`."""
