"""Deploying built functions with nuctl: local with Docker, or on Kubernetes."""
