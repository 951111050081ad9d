"""What becomes of one picture, or of an array of them, until it is a square of uint8 pixels."""
