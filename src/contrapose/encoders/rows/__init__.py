"""Encoders of rows of numbers: the scales of the columns, and a network above them."""

from contrapose.encoders.rows.row_encoder import RowEncoder, build_rows

__all__ = ["RowEncoder", "build_rows"]
