"""Adapters of inference runtimes, all with the interface in session.py."""
