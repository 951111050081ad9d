"""Files, folders and objects of other libraries into `Graphs`."""

from contrapose.data.graphs.graphs import Graphs
from contrapose.data.graphs.opening import open_graphs

__all__ = ["Graphs", "open_graphs"]
