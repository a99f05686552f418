"""Backends: inference runtimes on CPU and GPU, and the packages that they need."""
