"""Checks of this machine, one per module.

Each of these modules has a function `check` that yields findings. It changes nothing, and a fault
of the machine is a finding, not an exception.
"""
