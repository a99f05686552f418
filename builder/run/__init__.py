"""Running built functions as Nuclio runs them."""
