"""The command line: reads what was typed, calls the function of that command, prints what a person wants to know.

Nothing heavy is imported before it is known what is wanted, so `--help` answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from contrapose.commands.options import EmbedOptions, EvaluateOptions, ResumeOptions
from contrapose.errors import ArgumentError, ContraposeError, did_you_mean

HELP = """\
usage: contrapose COMMAND ...

Learn representations by contrast, from any data, mostly without labels.

  train METHOD --data DATA     train an encoder; writes a run folder, e.g. contrapose train mmcl --data photos/
  train --resume RUN           continue after a crash, or for more epochs
  evaluate RUN --data DATA     kNN and linear probe, beside raw pixels and the untrained encoder
  report RUN --open            one page of it: curves, map, neighbours, views, pairing, results
  embed RUN DATA --out FILE    embeddings to .parquet, .csv, .jsonl, .npz or .npy
  search RUN QUERY --in DATA   the pictures most like another; --index FOLDER keeps the embeddings
  export RUN --to onnx|folder  an ONNX file checked against torch, or a folder with a model card for the hub
  data check DATA              what training would see, and what is wrong with it
  reproduce CLAIM              measure a published claim here: paired seeds, equal tuning, floors, a verdict
  claims                       every claim with its verdict
  methods                      every method: what it is for, modality, paper

DATA is a folder of pictures (class sub-folders are labels), .npz, .npy, .parquet, .csv, .jsonl, hub:OWNER/NAME,
or omniglot, the handwritten characters that come with the package.

  contrapose COMMAND --help    every option of a command, with its default and where that comes from
  --debug                      show the traceback of an error
  --version                    print the version
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry point of `contrapose`. A user's mistake is one sentence on standard error and exit status 2."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    try:
        _dispatch(words)
    except ContraposeError as error:
        if debug:
            raise
        print(f"contrapose: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except BrokenPipeError:  # `contrapose methods | head`
        sys.stderr.close()
        raise SystemExit(0) from None
    except (OSError, MemoryError, RuntimeError) as error:
        sentence = _of_the_machine(error)
        if debug or sentence is None:
            raise
        print(f"contrapose: {sentence}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print("contrapose: stopped.", file=sys.stderr)
        raise SystemExit(130) from None


def _of_the_machine(error: Exception) -> str | None:
    """What the machine refused (a file, memory), in a sentence; None for an error that is ours."""
    if isinstance(error, OSError):
        return f"{error.filename or 'The system'}: {error.strerror or error}."
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return f"Out of memory ({str(error).splitlines()[0] if str(error) else 'no details'}). Lower --batch-size."
    return None


def _dispatch(words: list[str]) -> None:
    if not words or words[0] in ("-h", "--help", "help"):
        print(HELP)
    elif words[0] == "--version":
        from contrapose.version import __version__

        print(f"contrapose {__version__}")
    elif words[0] in COMMANDS:
        COMMANDS[words[0]](words[1:])
    else:
        raise ArgumentError(f"Unknown command {words[0]!r}.{did_you_mean(words[0], COMMANDS)}")


def _parse(kind: Any, words: list[str], command: str) -> Any:
    """Read `words` into the dataclass `kind`; tyro explains what does not fit and leaves with status 2."""
    import tyro

    return tyro.cli(kind, args=words, prog=f"contrapose {command}", config=(tyro.conf.OmitSubcommandPrefixes,))


def _train(words: list[str]) -> None:
    if any(word.split("=")[0] == "--resume" for word in words):
        options = _parse(ResumeOptions, words, "train")
        from contrapose.commands.train import resume

        _finish(resume(options.resume, epochs=options.epochs))
        return
    from contrapose.commands.methods import print_methods
    from contrapose.methods import METHODS

    if not words or words[0] in ("-h", "--help"):
        print("usage: contrapose train METHOD [options]   or   contrapose train --resume RUN [--epochs N]\n")
        print_methods()
        print("\ncontrapose train METHOD --help shows the options of a method.")
        return
    if words[0].startswith("-"):
        raise ArgumentError(
            f"Name a method before the options: contrapose train METHOD {' '.join(words)[:60]}."
            f"{did_you_mean('', METHODS)}"
        )
    config = _parse(METHODS[words[0]], words[1:], f"train {words[0]}")
    from contrapose.commands.train import train

    _finish(train(config))


def _finish(run: Any) -> None:
    """After training: the result where the data brings its own test, and what to look at."""
    from accelerate import PartialState

    if not PartialState().is_main_process:
        return
    if not run.outcome.finished:
        print(
            f"Stopped at step {run.outcome.steps} of {run.outcome.total_steps}. "
            f"Continue: contrapose train --resume {run.path}"
        )
        return
    outcome = run.outcome
    print(f"Trained in {outcome.seconds:.0f} s, {outcome.views_per_second:,.0f} views/s. The run is in {run.path}/")
    from contrapose.training.run_folder import RunFolder

    data = RunFolder(run.path).read_record()["config"]["data"]
    if data == "omniglot":
        _show(str(run.path))
        print(f"Embed your own pictures: contrapose embed {run.path} PICTURES --out embeddings.parquet")
        print("Train on your own:       contrapose train mmcl --data PICTURES")
        return
    print(f"Embed pictures:  contrapose embed {run.path} {data} --out embeddings.parquet")
    print(f"Is it any good?  contrapose evaluate {run.path} --data LABELLED")


def _show(run: str, **options: Any) -> None:
    from contrapose.commands.evaluate import evaluate
    from contrapose.evaluation import results_text

    result = evaluate(run, **options)
    print(f"\n{result.data}\n\n{results_text(list(result.arms.items()))}")
    if result.diagnosis is not None:
        print(f"\n{result.diagnosis.text()}\n")
    for note in result.notes:
        print(f"Note: {note}.")
    if (Path(run) / "evaluation.json").is_file():
        print(f"Written to {run}/evaluation.json")


def _evaluate(words: list[str]) -> None:
    options = _parse(EvaluateOptions, words, "evaluate")
    _show(
        options.run,
        data=options.data,
        test_data=options.test_data,
        limit=options.limit,
        k=options.k,
        seed=options.seed,
        device=options.device,
        diagnosis=options.diagnosis,
    )


def _embed(words: list[str]) -> None:
    options = _parse(EmbedOptions, words, "embed")
    from contrapose.commands.embed import embed

    images = embed(
        options.run,
        options.data,
        out=options.out,
        normalize=options.normalize,
        limit=options.limit,
        device=options.device,
    )
    for skipped in images.skipped:
        print(f"skipped: {skipped.path} ({skipped.reason})", file=sys.stderr)
    print(f"Wrote {len(images):,} embeddings to {options.out}")


def _search(words: list[str]) -> None:
    from contrapose.commands.search import SearchOptions, print_matches, search

    options = _parse(SearchOptions, words, "search")
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
    print_matches(matches, as_json=options.json)


def _data(words: list[str]) -> None:
    if words[:1] != ["check"]:
        raise ArgumentError("`contrapose data` has one command: contrapose data check DATA.")
    from contrapose.commands.data_check import DataCheckOptions, data_check

    options = _parse(DataCheckOptions, words[1:], "data check")
    report = data_check(
        options.data,
        out=options.out,
        image_size=options.image_size,
        limit=options.limit,
        recipe=options.recipe,
        seed=options.seed,
    )
    print(report.text())


def _export(words: list[str]) -> None:
    from contrapose.commands.export import ExportOptions, export

    options = _parse(ExportOptions, words, "export")
    export(options.run, to=options.to, out=options.out)  # prints its own line


def _reproduce(words: list[str]) -> None:
    from contrapose.commands.reproduce import ReproduceOptions, reproduce

    reproduce(_parse(ReproduceOptions, words, "reproduce"))


def _claims(words: list[str]) -> None:
    from contrapose.commands.reproduce import ClaimsOptions, claims

    claims(_parse(ClaimsOptions, words, "claims"))


def _report(words: list[str]) -> None:
    from contrapose.commands.report import ReportOptions, report

    options = _parse(ReportOptions, words, "report")
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
    "train": _train,
    "evaluate": _evaluate,
    "embed": _embed,
    "search": _search,
    "data": _data,
    "report": _report,
    "export": _export,
    "reproduce": _reproduce,
    "claims": _claims,
    "methods": _methods,
}
