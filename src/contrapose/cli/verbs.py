"""`contrapose attack METHOD RUN` and `contrapose repair METHOD RUN`: `train` for a trained encoder that is given."""

from __future__ import annotations

from contrapose.cli.finished import finish
from contrapose.cli.parse import as_typed, parse
from contrapose.cli.training import kind_of, owners, resume_typed
from contrapose.errors import ArgumentError
from contrapose.shell import shell_command

USAGE = """\
usage: contrapose {verb} METHOD RUN --data DATA [options]
       contrapose {verb} --resume RUN

RUN is the trained encoder that is given: a run, an encoder's folder, hf:NAME or timm:NAME. It stays as it is{copy}.

{methods}

{example} shows the options of one, and what to expect of it."""


def attack_command(words: list[str]) -> None:
    """Look for a change of all samples that leads a trained encoder astray."""
    _command("attack", words)


def repair_command(words: list[str]) -> None:
    """Take a planted trigger out of a trained encoder, or train it on with known patches."""
    _command("repair", words)


def _command(verb: str, words: list[str]) -> None:
    if any(word.split("=")[0] == "--resume" for word in words):
        resume_typed(words, verb)
        return
    from contrapose.methods import METHODS
    from contrapose.methods.verbs import method_for, methods_of, usage

    known = methods_of(verb)
    if not words or words[0] in ("-h", "--help"):
        example = shell_command(verb, known[0] if known else "METHOD", "--help")
        width = max(map(len, known), default=0)
        listed = "\n".join(f"  {name:<{width}}  {METHODS[name].about.purpose}" for name in known)
        copy = ": what is repaired is a copy" if verb == "repair" else ""
        print(USAGE.format(verb=verb, copy=copy, methods=listed or "No methods yet.", example=example))
        return
    method = words[0]
    if method.startswith("-"):
        example = shell_command(verb, known[0] if known else "METHOD", "RUN")
        raise ArgumentError(f"The method comes first: {example} ...")
    first = method_for(verb, method)
    rest = words[1:]
    if not any(word in ("-h", "--help") for word in rest):
        if not rest or rest[0].startswith("-"):
            raise ArgumentError(f"Name the trained encoder behind the method: {usage(verb, method)}.")
        rest = ["--init", rest[0], *rest[1:]]
    asked, rest = kind_of(rest, first.kinds)
    kind = first if asked is None else first.on(asked)
    config = parse(kind, rest, f"{verb} {method}", elsewhere=("--resume", "--modality"), owners=owners(verb, kind))
    if not config.data:
        raise ArgumentError(f"Say what it is to work on: {usage(verb, method)}.")
    from contrapose.commands.train import train

    with as_typed(kind):
        run = train(config, verb=verb)
    finish(run)
