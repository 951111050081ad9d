"""One function a command: what was typed in, what a person reads out. Each imports what it needs when it is called."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from contrapose.cli.parse import parse
from contrapose.cli.training import train_command
from contrapose.commands.options import CompareOptions, EmbedOptions, EvaluateOptions
from contrapose.errors import ArgumentError, UnwrittenError

if TYPE_CHECKING:
    from contrapose.search import Matches


def _evaluate(words: list[str]) -> None:
    options = parse(EvaluateOptions, words, "evaluate")
    from contrapose.commands.evaluate import print_evaluation

    print_evaluation(**vars(options))


def _compare(words: list[str]) -> None:
    options = parse(CompareOptions, words, "compare")
    from contrapose.commands.compare import compare

    print(compare(**vars(options)).text())
    if options.out is not None:
        print(f"Written to {options.out}")


def _embed(words: list[str]) -> None:
    options = parse(EmbedOptions, words, "embed")
    from contrapose.commands.embed import embed

    images = embed(**vars(options))
    for skipped in images.skipped:
        print(f"skipped: {skipped.path} ({skipped.reason})", file=sys.stderr)
    print(f"Wrote {len(images):,} embeddings to {options.out}")


def _search(words: list[str]) -> None:
    from contrapose.commands.search import SearchOptions, print_matches, search

    options = parse(SearchOptions, words, "search")
    try:
        matches = search(
            options.run,
            options.query,
            data=options.data,
            k=options.k,
            index=options.index,
            rebuild=options.rebuild,
            backend=options.backend,
            limit=options.limit,
            device=options.device,
        )
    except UnwrittenError as error:  # found, but the index could not be kept
        print_matches(cast("Matches", error.result), as_json=options.json)
        raise
    print_matches(matches, as_json=options.json)


def _data(words: list[str]) -> None:
    if words[:1] != ["check"]:
        raise ArgumentError("`contrapose data` has one command: contrapose data check DATA.")
    from contrapose.commands.data_check import DataCheckOptions, data_check

    options = parse(DataCheckOptions, words[1:], "data check")
    print(data_check(**vars(options)).text())


def _analyse(words: list[str]) -> None:
    if words[:1] != ["temperature"]:
        raise ArgumentError("`contrapose analyse` has one command: contrapose analyse temperature --data DATA.")
    from contrapose.commands.analyse import AnalyseTemperatureOptions, analyse_temperature

    analyse_temperature(parse(AnalyseTemperatureOptions, words[1:], "analyse temperature"))


def _export(words: list[str]) -> None:
    from contrapose.commands.export import ExportOptions, export

    options = parse(ExportOptions, words, "export")
    export(options.run, to=options.to, out=options.out)  # prints its own line


def _reproduce(words: list[str]) -> None:
    from contrapose.commands.reproduce import ReproduceOptions, reproduce

    reproduce(parse(ReproduceOptions, words, "reproduce"))


def _claims(words: list[str]) -> None:
    from contrapose.commands.reproduce import ClaimsOptions, claims

    claims(parse(ClaimsOptions, words, "claims"))


def _report(words: list[str]) -> None:
    from contrapose.commands.report import ReportOptions, report

    options = parse(ReportOptions, words, "report")
    report(
        options.run,
        data=options.data,
        test_data=options.test_data,
        limit=options.limit,
        out=options.out,
        show=options.open,
        device=options.device,
    )


def _methods(words: list[str]) -> None:
    if words:
        raise ArgumentError(f"`contrapose methods` takes no arguments, got {' '.join(words)}.")
    from contrapose.commands.methods import print_methods

    print_methods()


COMMANDS: dict[str, Callable[[list[str]], None]] = {
    "train": train_command,
    "evaluate": _evaluate,
    "compare": _compare,
    "embed": _embed,
    "search": _search,
    "analyse": _analyse,
    "data": _data,
    "report": _report,
    "export": _export,
    "reproduce": _reproduce,
    "claims": _claims,
    "methods": _methods,
}
