"""Losses that ask what two sets have in common, and what only one of them has."""
