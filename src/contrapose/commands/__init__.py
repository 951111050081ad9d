"""What each command does, as a Python function; `cli.py` only reads the command line."""
