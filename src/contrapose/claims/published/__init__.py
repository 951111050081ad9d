"""The published claims, a module each; importing one registers its claims."""
