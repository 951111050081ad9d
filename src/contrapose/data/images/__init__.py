"""Pictures in folders, files, tables, arrays and hub data sets into `Images`."""

from contrapose.data.images.images import Images
from contrapose.data.images.opening import open_data

__all__ = ["Images", "open_data"]
