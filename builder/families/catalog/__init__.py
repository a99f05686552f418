"""The families of models that cvatbuild knows: one module each, with one `Family`."""
