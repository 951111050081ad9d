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


SIGNS = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a ZIP archive, as spreadsheets (.xlsx) and documents (.docx) are",
    b"\xd0\xcf\x11\xe0": "a spreadsheet or document of an office program",
    b"\x1f\x8b": "a gzip archive (gunzip unpacks it)",
    b"PAR1": "a parquet table",
    b"SQLite format 3": "an SQLite database",
}
"""What other files begin with, and what these are."""
PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")
"""Beginnings of packed files (gzip, zstd) that polars unpacks by itself."""
LOOKED_AT = 65_536  # bytes of a file by which it is told whether it is text
BINARY = 0.02
"""Share of control characters from which a file is binary [design]: of random bytes a tenth are, of text none."""
_CONTROL = [*range(1, 9), *range(14, 27), *range(28, 32)]


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
        check_text(path, content[:LOOKED_AT])
        line = content[: error.start].count(b"\n") + 1
        raise DataError(
            f"{path} is not {encoding.upper().removesuffix('-SIG')} (byte {content[error.start]:#04x} in line {line}). "
            f"Convert it, for example: iconv -f WINDOWS-1252 -t UTF-8 {path.name} > new{path.suffix}"
        ) from None
    if "\0" in text:
        check_text(path, content[:LOOKED_AT])
        raise DataError(
            f"{path} holds bytes of value 0, which no text has: it is no plain text file, or was damaged. To take them "
            f"out: tr -d '\\000' < {path.name} > new{path.suffix}"
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")


def check_encoding(path: Path) -> None:
    """Stop at a table that says of itself not to be UTF-8, such as "Unicode text" of a spreadsheet, or is no text.

    Errors:
        DataError: UTF-16 or UTF-32, with or without the mark that says so; another kind of file.
    """
    with path.open("rb") as file:
        head = file.read(LOOKED_AT)
    encoding = encoding_of(head[:4])
    if not encoding.startswith("utf-8"):
        raise DataError(
            f"{path} is {encoding.upper()}, and tables are read as UTF-8. Save it as CSV in UTF-8, or convert it: "
            f"iconv -f {encoding.upper()} -t UTF-8 {path.name} > new{path.suffix}"
        )
    if not head.startswith(PACKED):
        check_text(path, head)


def check_text(path: Path, head: bytes) -> None:
    """Pass the beginning of a file that may be text in some encoding of a byte a character, or in UTF-8.

    Errors:
        DataError: a picture, an archive or another binary file; UTF-16 without its mark.
    """
    found = next((name for sign, name in SIGNS.items() if head.startswith(sign)), None)
    if found is not None:
        raise DataError(f"{path} is {found}, whatever its name says, and no text. Give what is in it as text.")
    first, second = (head[start::2].count(0) / max(len(head) // 2, 1) for start in (0, 1))
    if encoding_of(head[:4]) == "utf-8" and len(head) >= 8 and max(first, second) > 0.3 > 0.05 > min(first, second):
        name = "UTF-16LE" if second > first else "UTF-16BE"
        raise DataError(
            f"{path} is {name} without the mark that says so. Convert it: iconv -f {name} -t UTF-8 {path.name} > "
            f"new{path.suffix}"
        )
    if sum(head.count(byte) for byte in _CONTROL) > BINARY * len(head):
        raise DataError(f"{path} is a binary file and no text, whatever its name says. Give what is in it as text.")
