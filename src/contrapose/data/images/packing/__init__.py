"""Many pictures decoded once, in parallel, and kept on disk while no file changes."""
