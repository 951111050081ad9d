"""Losses that compare rows through a gate: alike in which dimensions?"""
