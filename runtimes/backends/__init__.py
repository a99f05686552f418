"""Adapters of inference runtimes with the interface in session.py."""
