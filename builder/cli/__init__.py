"""The command line. It parses arguments and prints results; the library raises errors."""
