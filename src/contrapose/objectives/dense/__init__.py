"""Objectives of maps: cells of two crops that show the same place."""
