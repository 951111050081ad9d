"""The command line: reads what was typed, calls the function of that command, prints what a person wants to know.

Nothing heavy is imported before it is known what is wanted, so `--help` answers at once.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from contrapose.cli.help import HELP
from contrapose.cli.stopping import signals_stop, status_of
from contrapose.errors import ArgumentError, ContraposeError, UnwrittenError, did_you_mean
from contrapose.lazy import lazy_exports

__all__ = ["COMMANDS", "HELP", "main"]

__getattr__, __dir__ = lazy_exports(__name__, {"COMMANDS": "contrapose.cli.typed"})


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry point of `contrapose`. A user's mistake is one sentence on standard error and exit status 2."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    _print_what_cannot_be_encoded()
    _give_a_home()
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    try:
        with warnings.catch_warnings(), signals_stop():  # as they were, for a program that calls this function
            warnings.showwarning = _noted
            _dispatch(words)
    except ContraposeError as error:
        if isinstance(error, UnwrittenError) and error.text:
            print(error.text, flush=True)  # what was worked for, before what went wrong
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
    except KeyboardInterrupt as interrupt:
        print("contrapose: stopped.", file=sys.stderr)
        raise SystemExit(status_of(interrupt)) from None


def _print_what_cannot_be_encoded() -> None:
    """File names need not be text in the terminal's encoding: such a byte is printed as its number, and ends no run."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _noted(message: Warning | str, *_: object, **__: object) -> None:
    """A warning as a sentence, once: where in the code it arose says nothing to who typed a command."""
    text = " ".join(str(message).split())
    if text not in _said:
        _said.add(text)
        print(f"note: {text}", file=sys.stderr)


_said: set[str] = set()


def _give_a_home() -> None:
    """Where neither HOME nor the list of users names one, as in some containers: other packages stop without it."""
    try:
        Path.home()
    except RuntimeError:
        from contrapose.data.images.packing.cache import cache_folder

        os.environ["HOME"] = str(cache_folder())


def _of_the_machine(error: Exception) -> str | None:
    """What the machine refused (a file, memory), in a sentence; None for an error that is ours."""
    if isinstance(error, OSError):
        return f"{error.filename or 'The system'}: {error.strerror or error}."
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return f"Out of memory ({str(error).splitlines()[0] if str(error) else 'no details'}). Lower --batch-size."
    if "torch.distributed" in sys.modules:  # else there is no other process
        from contrapose.distributed.lost import is_of_a_lost_process

        if is_of_a_lost_process(error):
            return "Another process of this job has ended, and says itself why unless it was killed."
    return None


def _dispatch(words: list[str]) -> None:
    if not words or words[0] in ("-h", "--help", "help"):
        print(HELP)
        return
    if words[0] == "--version":
        from contrapose.version import __version__

        print(f"contrapose {__version__}")
        return
    from contrapose.cli.typed import COMMANDS  # which knows every method: half a second

    if words[0] in COMMANDS:
        COMMANDS[words[0]](words[1:])
    else:
        known = (*COMMANDS, "--help", "--version") if words[0].startswith("-") else COMMANDS
        raise ArgumentError(f"Unknown command {words[0]!r}.{did_you_mean(words[0], known)}")
