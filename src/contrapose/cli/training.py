"""`contrapose train`: a method's own options, or a run to continue; and what is said when it is done."""

from __future__ import annotations

import shlex
from typing import Any

from contrapose.cli.parse import parse
from contrapose.commands.options import ResumeOptions
from contrapose.errors import ArgumentError, did_you_mean


def train_command(words: list[str]) -> None:
    if any(word.split("=")[0] == "--resume" for word in words):
        options = parse(ResumeOptions, words, "train")
        from contrapose.commands.train import resume

        _finish(resume(options.resume, epochs=options.epochs, data=options.data))
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
    config = parse(METHODS[words[0]], words[1:], f"train {words[0]}")
    from contrapose.commands.train import train

    _finish(train(config))


def _finish(run: Any) -> None:
    """After training: the result where the data brings its own test, and what to look at."""
    from accelerate import PartialState

    if not run.outcome.finished:
        if PartialState().is_main_process:
            print(
                f"Stopped at step {run.outcome.steps} of {run.outcome.total_steps}. "
                f"Continue: contrapose train --resume {shlex.quote(str(run.path))}"
            )
        raise SystemExit(128 + (run.outcome.signal or 0))  # as a shell says it of a program that a signal has ended
    if not PartialState().is_main_process:
        return
    outcome = run.outcome
    print(f"Trained in {outcome.seconds:.0f} s, {outcome.views_per_second:,.0f} views/s. The run is in {run.path}/")
    from contrapose.training.run_folder import RunFolder

    record = RunFolder(run.path).read_record()
    data = record["config"]["data"]
    if data == "omniglot":
        from contrapose.commands.evaluate import print_evaluation

        print_evaluation(run.path)
        print(f"Embed your own pictures: contrapose embed {run.path} PICTURES --out embeddings.parquet")
        print(f"Train on your own:       contrapose train {record['method']} --data PICTURES")
        return
    print(f"Embed pictures:  contrapose embed {run.path} {data} --out embeddings.parquet")
    print(f"Is it any good?  contrapose evaluate {run.path} --data LABELLED")
    print(f"See it:          contrapose report {run.path} --open")
