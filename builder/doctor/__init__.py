"""What on this machine will work, and what to do about the rest: one check a module.

Each module has a function `check`, which yields findings and raises nothing that the machine could
be the cause of. None of them is asked to mend anything.
"""
