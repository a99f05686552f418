"""The trial of a built function: pictures, and rules for what its decoder finds in them."""
