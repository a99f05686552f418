"""`cvatbuild bench`: the time of each stage of a request, and the memory of a function."""
