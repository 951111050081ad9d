"""Files, tables and lists of texts into `Texts`."""

from contrapose.data.texts.matched import MatchedTexts
from contrapose.data.texts.opening import open_texts
from contrapose.data.texts.python_library import PYTHON_DOCS, python_docs
from contrapose.data.texts.texts import Texts

__all__ = ["PYTHON_DOCS", "MatchedTexts", "Texts", "open_texts", "python_docs"]
