"""Processes that train together: what they do when one of them, or their launcher, is lost; weights that they share."""
