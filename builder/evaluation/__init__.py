"""Accuracy of built functions on labeled data, and differences between functions."""
