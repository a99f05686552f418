"""The commands of `cvatbuild`, one module per command.

Each function imports the library inside its body, so that `cvatbuild --help` starts quickly.
"""
