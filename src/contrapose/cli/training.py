"""`contrapose train`: a method's own options, or a run to continue; and what is said when it is done."""

from __future__ import annotations

from typing import Any

from contrapose.cli.parse import parse
from contrapose.commands.options import ResumeOptions
from contrapose.errors import ArgumentError, did_you_mean
from contrapose.shell import shell_command


def train_command(words: list[str]) -> None:
    if any(word.split("=")[0] == "--resume" for word in words):
        options = parse(ResumeOptions, words, "train")
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
            f"Name a method before the options: {shell_command('train', 'METHOD', *words)}.{did_you_mean('', METHODS)}"
        )
    config = parse(METHODS[words[0]], words[1:], f"train {words[0]}")
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
            f"Continue: {shell_command('train', '--resume', run.path)}"
        )
        return
    outcome = run.outcome
    print(f"Trained in {outcome.seconds:.0f} s, {outcome.views_per_second:,.0f} views/s. The run is in {run.path}/")
    from contrapose.training.run_folder import RunFolder

    record = RunFolder(run.path).read_record()
    data, out = record["config"]["data"], ("--out", "embeddings.parquet")
    if data == "omniglot":
        from contrapose.commands.evaluate import print_evaluation

        print_evaluation(run.path)
        print("Embed your own pictures:", shell_command("embed", run.path, "PICTURES", *out))
        print("Train on your own:      ", shell_command("train", record["method"], "--data", "PICTURES"))
        return
    print("Embed pictures: ", shell_command("embed", run.path, data, *out))
    print("Is it any good? ", shell_command("evaluate", run.path, "--data", "LABELLED"))
    print("See it:         ", shell_command("report", run.path, "--open"))
