"""Steps from instances to the shapes that CVAT draws."""
