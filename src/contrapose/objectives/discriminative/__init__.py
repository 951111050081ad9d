"""Is it real? Losses that tell what was written from what a model, or chance, put in its place."""
