"""Losses that ask which negatives count: the hardest, mixed ones, weighted ones, debiased ones."""
