"""Which corridor a message travels, and so which party it is owed to: look-ups, nothing else."""
