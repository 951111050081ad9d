"""Losses that ask an anchor to find its partner among everybody: NT-Xent, InfoNCE, SupCon, DCL."""
