"""`contrapose train`: a method's own options, or a run to continue; and what is said when it is done."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from contrapose.cli.finished import finish
from contrapose.cli.flags import flags_of
from contrapose.cli.parse import as_typed, parse
from contrapose.commands.options import ResumeOptions
from contrapose.errors import ArgumentError, ContraposeError
from contrapose.methods.default import BASELINE, DEFAULT_METHOD, DEFAULT_REASON, default_method
from contrapose.shell import shell_command

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from contrapose.methods import Method
    from contrapose.modalities import Modality

USAGE = f"""\
usage: contrapose train [METHOD] --data DATA [--modality image|text|rows|frames|items|graph|pairs] [options]
       contrapose train --resume RUN [--epochs N]

Without METHOD it is {DEFAULT_METHOD}: {DEFAULT_REASON}; for texts and tables {BASELINE.method}.
{shell_command("train", DEFAULT_METHOD, "--help")} shows its options; with METHOD, those of another."""


def train_command(words: list[str]) -> None:
    if any(word.split("=")[0] == "--resume" for word in words):
        _no_method(words)
        resume_typed(words, "train")
        return
    from contrapose.methods import METHODS, check_verb

    if not words or words[0] in ("-h", "--help"):
        from contrapose.commands.methods import print_methods

        print(USAGE)
        print_methods(first=DEFAULT_METHOD)
        return
    named = not words[0].startswith("-")
    if named and words[0] not in METHODS and _is_data(words[0]):
        typed = shell_command("train", "--data", *words)
        raise ArgumentError(f"{words[0]!r} is no method, but it can be learned from: {typed}")
    if named and words[0] in METHODS:
        check_verb(METHODS[words[0]], "train")
    method_kinds = METHODS[words[0]].kinds if named else ()
    asked, rest = kind_of(words[1:] if named else words, method_kinds)
    method = words[0] if named else default_method(asked).method
    kind = METHODS[method] if asked is None else METHODS[method].on(asked)
    _of_another_kind(METHODS[method], kind, rest)
    if not named and (late := [word for word in words if word in METHODS and f"--data={word}" not in words]):
        _method_first(late[0], words)
    elsewhere = ("--resume", "--modality")
    try:
        command = f"train {method}" if named else "train"
        config = parse(kind, rest, command, elsewhere=elsewhere, owners=owners("train", kind))
    except SystemExit:  # the help was printed
        print(_help_of_other_kinds(method, kind))
        raise
    if not config.data:
        raise ArgumentError(
            f"Say what to learn from: {shell_command('train', method, '--data', 'DATA')} (a folder of pictures, .csv, "
            ".txt, ...), or --data omniglot for the handwritten characters that come with the package."
        )
    from contrapose.commands.train import train

    with as_typed(kind):  # what does not fit the data
        run = train(config) if named else train(None, modality=config.modality, **vars(config))
    finish(run)


def resume_typed(words: list[str], verb: str) -> None:
    """Continue a run of whatever verb."""
    options = parse(ResumeOptions, words, verb)
    from contrapose.commands.train import resume

    finish(resume(options.resume, epochs=options.epochs, data=options.data, base=options.base))


def kind_of(words: list[str], kinds: Sequence[str] = ()) -> tuple[str | None, list[str]]:
    """The kind of data that `--modality` names, whose column is named, or that `--data` looks like, where anything says
    so; the words without `--modality`. `kinds` are those that the method is for, where it is for some."""
    asked, rest = _value_of("--modality", words)
    data, _ = _value_of("--data", words)
    if asked is None and data:
        from contrapose.modalities import MODALITIES, asked_kind

        names = {name for kind in MODALITIES.values() for name in kind.reading}
        helps = any(word in ("-h", "--help") for word in words)
        with suppress(*[ContraposeError] if helps else []):  # help is there for data that cannot be opened, too
            reading = {name: _value_of(f"--{name.replace('_', '-')}", words)[0] for name in names}
            asked = asked_kind(data, None, reading, kinds=kinds).name
    return asked, rest


def owners(verb: str, kind: type[Method]) -> Callable[[str], list[str]]:
    """Which methods of a verb have a flag, on the kind of data that `kind` is configured for."""

    def having(flag: str) -> list[str]:
        from contrapose.methods import METHODS, methods_of

        able = [name for name in methods_of(verb) if METHODS[name].takes(kind.modality)]
        return [name for name in able if any(flag in one.names for one in flags_of(METHODS[name].on(kind.modality)))]

    return having


def _help_of_other_kinds(method: str, shown: type[Method]) -> str:
    """Where the options of other kinds of data than the shown one are explained."""
    from contrapose.modalities import MODALITIES

    others = [
        f"of {kind.plural}: {shell_command('train', method, '--modality', kind.name, '--help')}"
        for kind in _kinds_of(shown)
        if kind.name != shown.modality
    ]
    own = f"These are the options of {MODALITIES[shown.modality].plural}"
    return f"{own}. Those {'; '.join(others)}" if others else f"{own}, which {method} is for."


def _kinds_of(method: type[Method]) -> list[Modality]:
    """The kinds of data that a method is for."""
    from contrapose.modalities import MODALITIES

    return [kind for kind in MODALITIES.values() if method.takes(kind.name)]


def _of_another_kind(method: type[Method], found: type[Method], words: list[str]) -> None:
    """An option that the method has on another kind of data than these."""
    from contrapose.modalities import MODALITIES

    def names(kind: type[Method]) -> set[str]:
        return {name for flag in flags_of(kind) for name in flag.names}

    typed = {word.partition("=")[0].replace("_", "-") for word in words if word.startswith("--")}
    strange = typed - names(found)
    for kind in _kinds_of(method) if strange else ():
        theirs = strange & names(method.on(kind.name))
        if theirs:
            raise ArgumentError(
                f"{min(theirs)} is an option of {kind.plural}, and these data are {MODALITIES[found.modality].plural}: "
                "leave it out, or say what they are with --modality."
            )


def _value_of(flag: str, words: list[str]) -> tuple[str | None, list[str]]:
    """What stands behind a flag, and the words without both."""
    for place, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name == flag:
            if not equals and place + 1 == len(words):
                break  # for `parse` to tell
            return (
                (value, words[:place] + words[place + 1 :])
                if equals
                else (words[place + 1], words[:place] + words[place + 2 :])
            )
    return None, words


def _no_method(words: list[str]) -> None:
    """A run that continues knows its method."""
    if words[0].startswith("-"):
        return
    raise ArgumentError(
        f"A run continues by its own method; leave {words[0]!r} out: {shell_command('train', *words[1:])}"
    )


def _method_first(method: str, words: list[str]) -> None:
    """The name of a method after the options, unless it is the value of one."""
    at = words.index(method)
    if words[at - 1].startswith("-") and "=" not in words[at - 1]:
        return  # --data simclr
    rest = [word for number, word in enumerate(words) if number != at]
    raise ArgumentError(f"The method comes first: {shell_command('train', method, *rest)}")


def _is_data(word: str) -> bool:
    return (
        word in ("omniglot", "python-docs", "python-functions")
        or word.startswith(("hub:", "stream:", "made:"))
        or Path(word).exists()
    )
