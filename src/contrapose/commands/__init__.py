"""What each command does, as a Python function; `cli/` only reads the command line."""
