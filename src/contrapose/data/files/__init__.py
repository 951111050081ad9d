"""Files and folders: what their names say, and a walk through them."""
