"""The command line. It prints; what it calls raises."""
