"""Files of text: how they are encoded, and what they hold."""

from __future__ import annotations

import codecs
from pathlib import Path

from contrapose.errors import DataError

MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, which its mark begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""What a file may start with to say how it is encoded."""


def encoding_of(content: bytes) -> str:
    """How a file is encoded by its first bytes; UTF-8 where they do not say."""
    return next((name for mark, name in MARKS.items() if content.startswith(mark)), "utf-8")


def read_text(path: Path) -> str:
    """All of a file: as its first bytes say it is encoded, else UTF-8; any of the usual line ends becomes `\\n`.

    Errors:
        DataError: it cannot be read, is encoded otherwise, or holds bytes that no text has.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from None
    encoding = encoding_of(content[:4])
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DataError(
            f"{path} is not {encoding.upper().removesuffix('-SIG')} (byte {content[error.start]:#04x} in line {line}). "
            f"Convert it, for example: iconv -f WINDOWS-1252 -t UTF-8 {path.name} > new{path.suffix}"
        ) from None
    if "\0" in text:
        raise DataError(f"{path} holds bytes of value 0, which no text has: it is no plain text file.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def check_encoding(path: Path) -> None:
    """Stop at a table that says of itself not to be UTF-8, such as "Unicode text" of a spreadsheet.

    Errors:
        DataError: UTF-16 or UTF-32.
    """
    with path.open("rb") as file:
        encoding = encoding_of(file.read(4))
    if not encoding.startswith("utf-8"):
        raise DataError(
            f"{path} is {encoding.upper()}, and tables are read as UTF-8. Save it as CSV in UTF-8, or convert it: "
            f"iconv -f {encoding.upper()} -t UTF-8 {path.name} > new{path.suffix}"
        )
