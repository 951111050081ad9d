"""Tables of numbers and categories into `Rows`."""

from contrapose.data.rows.opening import open_rows
from contrapose.data.rows.rows import Rows

__all__ = ["Rows", "open_rows"]
