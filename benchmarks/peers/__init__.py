"""Contrapose beside its peers, each figure in one run: `python benchmarks/peers --help`."""
