"""Prototypes instead of other samples: which of them a sample belongs to is what its views must agree on."""
