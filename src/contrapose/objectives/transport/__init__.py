"""Losses that move weight between near and far: contrast by conditional transport."""
