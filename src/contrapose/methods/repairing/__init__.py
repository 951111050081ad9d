"""The jobs of a repair: which class is suspect, which trigger makes it, and a network in which that trigger is dead."""
