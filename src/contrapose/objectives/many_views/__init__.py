"""Losses of more than two views of a sample in one term."""
