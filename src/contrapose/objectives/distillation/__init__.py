"""Losses that pass a teacher's similarities on to a student."""
