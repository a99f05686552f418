"""The Nuclio target: function.yaml, the handler, and a README."""
