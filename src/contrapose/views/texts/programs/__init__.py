"""Programs and the comments on them, said and written otherwise: nine operators, and views made by them."""
