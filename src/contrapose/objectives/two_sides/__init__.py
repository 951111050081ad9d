"""Two sides of a sample, a picture and its words: who belongs to whom, and what helps to learn it."""
