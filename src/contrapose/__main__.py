"""`python -m contrapose` is the command `contrapose`."""

from contrapose.cli import main

main()
