"""`contrapose apply` on a pair's word: texts with it, in a table or beside their pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from contrapose.commands.table_file import TABLES, file_to_write, table_bytes
from contrapose.commands.unwritten import write_or_rescue
from contrapose.data import Samples
from contrapose.embedder import pick_device
from contrapose.encoders import fingerprint_of, load_encoder
from contrapose.encoders.perturbations import ReplacedWord, SavedPerturbation
from contrapose.errors import ArgumentError, RunError
from contrapose.modalities import MODALITIES
from contrapose.optional import optional
from contrapose.training.run_folder import RunFolder


def writes_texts(out: str | Path) -> bool:
    """Whether a table is to be written."""
    return Path(out).suffix in TABLES


def apply_word(
    run: str | Path,
    saved: SavedPerturbation,
    data: Any,
    *,
    out: str | Path,
    limit: int | None = None,
    text_column: str | None = None,
    device: str = "cpu",
) -> Samples:
    """Write every text of `data` with the word in the place of that which it hangs on most, for the towers that were
    attacked: a row a text, identifier and `text`.

    Errors:
        ArgumentError: a perturbation without a word, or another ending.
        RunError: the run does not hold the towers any more.
    """
    if saved.kind != "pair":
        raise ArgumentError(f"{run} holds a {saved.kind}, which pictures are changed by: name a folder for --out.")
    path = file_to_write(out, TABLES, data)
    words = words_of(run, saved, device)
    columns = {} if text_column is None else {"text_column": text_column}
    texts: Any = MODALITIES["text"].open(data, limit=limit, **columns)
    told = words.replaced(texts.texts, str(saved.arguments["word"]))
    polars = optional("polars", extra="tables")
    table = polars.DataFrame({"identifier": list(texts.identifiers), "text": told})
    write_or_rescue(path, table_bytes(table, path.suffix), result=texts)
    return cast("Samples", texts)


def words_of(run: str | Path, saved: SavedPerturbation, device: str = "cpu") -> ReplacedWord:
    """What puts a word into texts, by the towers that were attacked, which the run has kept.

    Errors:
        RunError: they are not there, or are others.
    """
    place = RunFolder(run).initial
    if not (place / "encoder.json").is_file():
        raise RunError(
            f"Which word of a text is replaced the attacked towers say, and {place} does not hold them: give the run "
            "of the attack as it was left, with its folder initial/."
        )
    towers = load_encoder(place)
    if fingerprint_of(towers) != saved.victims[0].fingerprint:
        raise RunError(f"{place} holds other towers than those that were attacked: give the run as it was left.")
    return ReplacedWord(towers.to(pick_device(device)).eval())


def captions_of(run: str | Path, saved: SavedPerturbation, captions: Any, device: str = "cpu") -> list[list[str]]:
    """The captions of each picture with the word.

    Errors:
        RunError: as of `words_of`.
    """
    given = [[str(text) for text in own] for own in captions]
    every = [text for own in given for text in own]
    told = iter(words_of(run, saved, device).replaced(every, str(saved.arguments["word"])))
    return [[next(told) for _ in own] for own in given]
