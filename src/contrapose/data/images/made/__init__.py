"""Pictures that are made, not found."""
