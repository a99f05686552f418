"""Steps that turn instances into CVAT's shapes."""
