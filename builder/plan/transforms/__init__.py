"""Stages from plan to plan that may replace model files."""
