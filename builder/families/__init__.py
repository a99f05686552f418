"""Families of models: how they are recognized, what they have in common, manifests for them.

`catalog` has one module per family. `evidence` holds what is known of a model; each family turns it
into matches, and `ranking` sorts them. `draft` writes the manifest of the best one.
"""
