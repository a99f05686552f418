"""The inference runtimes and the packages that they need."""
