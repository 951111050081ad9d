"""What losses are made of: tiles, rows, anchors, input checks, chance values."""
