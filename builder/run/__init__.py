"""Built functions, run as Nuclio would run them."""
