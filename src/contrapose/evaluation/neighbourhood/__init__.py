"""Who is near whom: products in float32 that bound their own error, and float64 for all that this leaves open."""
