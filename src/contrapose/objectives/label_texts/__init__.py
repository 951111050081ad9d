"""Does this text go with that label? Losses of texts against the texts of labels."""
