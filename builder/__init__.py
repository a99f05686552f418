"""The tool: reads manifests, looks into models, writes functions."""

__version__ = "0.1.0"
