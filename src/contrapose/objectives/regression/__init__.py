"""Losses over a number as target: the farther two numbers are apart, the farther apart their embeddings have to lie."""
