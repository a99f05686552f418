"""Checks of this machine, one per module.

Each of these modules has a function `check` that yields results. It changes nothing, and a fault
of the machine is a result, not an exception.
"""
