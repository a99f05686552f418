"""What CVAT accepts as a reply: one module per function type."""
