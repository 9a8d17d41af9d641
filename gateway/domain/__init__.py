"""The words all rooms share; no I/O, no clock of its own."""
