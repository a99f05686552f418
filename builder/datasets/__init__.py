"""Labeled images on disk: CVAT's exports and other dataset formats, read image by image."""
