"""One function a command: what was typed in, what a person reads out. Each imports what it needs when it is called."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

from contrapose.cli.applying import apply_command, told
from contrapose.cli.parse import parse
from contrapose.cli.training import train_command
from contrapose.cli.verbs import attack_command, repair_command
from contrapose.commands.claim_options import ClaimsOptions, ReproduceOptions
from contrapose.commands.options import CalibrateOptions, CompareOptions, EmbedOptions, EvaluateOptions
from contrapose.errors import ArgumentError, UnwrittenError, did_you_mean
from contrapose.words import counted

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

    samples = embed(**vars(options))
    told(samples)
    print(f"Wrote {counted(len(samples), 'embedding')} to {options.out}")
    if options.out.endswith(".npy"):
        print("note: .npy holds the numbers alone; .parquet and .npz keep names and labels", file=sys.stderr)


def _pack(words: list[str]) -> None:
    from contrapose.commands import pack

    pack.print_packed(parse(pack.PackOptions, words, "pack"))


def _poison(words: list[str]) -> None:
    from contrapose.commands import poison

    poison.print_poisoned(parse(poison.PoisonOptions, words, "poison"))


def _calibrate(words: list[str]) -> None:
    options = parse(CalibrateOptions, words, "calibrate")
    from contrapose.commands.calibrate import calibrate

    found = calibrate(**vars(options))
    told(found.samples)
    print("\n".join(found.lines))
    print(f"Wrote the calibrated classifier to {found.folder}; test it on others: {options.data} was fitted to.")


def _search(words: list[str]) -> None:
    from contrapose.commands.search import SearchOptions, print_matches, search

    options = parse(SearchOptions, words, "search")
    if options.out is not None:
        from contrapose.commands.search_sheet import sheet_file

        sheet_file(options.out)  # said before the work, not after it
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
            white=options.white,
            image_column=options.image_column,
            text_column=options.text_column,
            user_column=options.user_column,
            item_column=options.item_column,
            time_column=options.time_column,
            label_column=options.label_column,
            labels=options.labels,
            device=options.device,
        )
    except UnwrittenError as error:  # found, but the index could not be kept
        print_matches(cast("Matches", error.result), as_json=options.json)
        raise
    print_matches(matches, as_json=options.json)
    if options.out is not None or options.open:
        from contrapose.commands.search_sheet import sheet_of

        file = sheet_of(options, matches)
        print(f"Wrote {file}", file=sys.stderr)  # not among the lines or the JSON that programs read


def _data(words: list[str]) -> None:
    if _chosen(words, {"check": "contrapose data check DATA"}) is None:
        return
    from contrapose.commands.data_check import DataCheckOptions, data_check

    options = vars(parse(DataCheckOptions, words[1:], "data check"))
    as_json = options.pop("json")
    found = data_check(**options)
    print(json.dumps(found.to_dict(), indent=2) if as_json else found.text())


def _analyse(words: list[str]) -> None:
    chosen = _chosen(words, ANALYSES)
    if chosen == "temperature":
        from contrapose.commands.analyse import AnalyseTemperatureOptions, analyse_temperature

        analyse_temperature(parse(AnalyseTemperatureOptions, words[1:], "analyse temperature"))
    elif chosen == "sharpness":
        from contrapose.commands.analyse_sharpness import AnalyseSharpnessOptions, analyse_sharpness

        analyse_sharpness(parse(AnalyseSharpnessOptions, words[1:], "analyse sharpness"))
    elif chosen == "suppression":
        from contrapose.commands.analyse_suppression import AnalyseSuppressionOptions, analyse_suppression

        analyse_suppression(parse(AnalyseSuppressionOptions, words[1:], "analyse suppression"))
    elif chosen == "translation":
        from contrapose.commands.analyse_translation import AnalyseTranslationOptions, analyse_translation

        analyse_translation(parse(AnalyseTranslationOptions, words[1:], "analyse translation"))
    elif chosen == "perturbation":
        from contrapose.commands.analyse_perturbation import AnalysePerturbationOptions, analyse_perturbation

        analyse_perturbation(parse(AnalysePerturbationOptions, words[1:], "analyse perturbation"))
    elif chosen == "patch":
        from contrapose.commands.analyse_patch import AnalysePatchOptions, analyse_patch

        analyse_patch(parse(AnalysePatchOptions, words[1:], "analyse patch"))
    elif chosen == "controllability":
        from contrapose.commands.analyse_controllability import AnalyseControllabilityOptions, analyse_controllability

        analyse_controllability(parse(AnalyseControllabilityOptions, words[1:], "analyse controllability"))
    elif chosen == "backdoor":
        from contrapose.commands.analyse_backdoor import AnalyseBackdoorOptions, analyse_backdoor

        analyse_backdoor(parse(AnalyseBackdoorOptions, words[1:], "analyse backdoor"))


def _export(words: list[str]) -> None:
    from contrapose.commands.export import ExportOptions, export

    options = parse(ExportOptions, words, "export")
    export(options.run, to=options.to, out=options.out)  # prints its own line


def _reproduce(words: list[str]) -> None:
    options = parse(ReproduceOptions, words, "reproduce")
    from contrapose.commands.reproduce import reproduce

    reproduce(options)


def _claims(words: list[str]) -> None:
    options = parse(ClaimsOptions, words, "claims")
    from contrapose.commands.reproduce import claims

    claims(options)


def _report(words: list[str]) -> None:
    from contrapose.commands.report import ReportOptions, report

    options = vars(parse(ReportOptions, words, "report"))
    report(show=options.pop("open"), **options)


def _methods(words: list[str]) -> None:
    if words and words[0] not in ("-h", "--help"):
        raise ArgumentError(
            f"`contrapose methods` takes no arguments, got {' '.join(words)}. Of one: contrapose train METHOD --help."
        )
    from contrapose.commands.methods import print_methods

    print_methods()


def _completion(words: list[str]) -> None:
    from contrapose.cli.completion import print_script

    print_script(words, tuple(COMMANDS))


ANALYSES = {
    "temperature": "contrapose analyse temperature --data DATA",
    "sharpness": "contrapose analyse sharpness RUN",
    "suppression": "contrapose analyse suppression RUN",
    "translation": "contrapose analyse translation RUN --data UNBIASED --bias-column NAME",
    "perturbation": "contrapose analyse perturbation RUN --on VICTIM --data LABELLED",
    "controllability": "contrapose analyse controllability DATA",
    "backdoor": "contrapose analyse backdoor RUN --data LABELLED --trigger POISONED",
    "patch": "contrapose analyse patch ATTACK_RUN --on RUN",
}


def _chosen(words: list[str], usages: Mapping[str, str]) -> str | None:
    """Which of a command's sub-commands was typed, by how each is used; None: the help was asked for, and given.

    Errors:
        ArgumentError: another sub-command, or none.
    """
    if words[:1] in (["-h"], ["--help"]):
        print("usage: " + "\n       ".join(usages.values()) + "\n")
        for command, usage in usages.items():
            print(f"{usage.partition(command)[0]}{command} --help explains its options.")
        return None
    if words and words[0] in usages:
        return words[0]
    there = "There is one command of this kind" if len(usages) == 1 else "The commands of this kind"
    got = f" Got {words[0]!r}.{did_you_mean(words[0], usages)}" if words else ""
    raise ArgumentError(f"{there}: {'; '.join(usages.values())}.{got}")


COMMANDS: dict[str, Callable[[list[str]], None]] = {
    "train": train_command,
    "attack": attack_command,
    "repair": repair_command,
    "evaluate": _evaluate,
    "compare": _compare,
    "embed": _embed,
    "pack": _pack,
    "poison": _poison,
    "apply": apply_command,
    "calibrate": _calibrate,
    "search": _search,
    "analyse": _analyse,
    "data": _data,
    "report": _report,
    "export": _export,
    "reproduce": _reproduce,
    "claims": _claims,
    "methods": _methods,
    "completion": _completion,
}
