"""What CVAT accepts as a reply, as rules that judge one; a module for each kind of function."""
