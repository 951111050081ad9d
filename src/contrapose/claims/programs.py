"""A ground of functions of Python's own library, split by module, and what is asked of an encoder of them."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple, cast

import numpy as np

from contrapose.claims.ground import Ground
from contrapose.claims.measures import Subject
from contrapose.claims.protocol import Protocol
from contrapose.data import Samples
from contrapose.data.texts import PYTHON_FUNCTIONS, Texts
from contrapose.data.texts.docstrings import library_folder, modules
from contrapose.data.texts.functions import LEAST_LINES, MOST_LINES, functions
from contrapose.embedder import Embedder
from contrapose.errors import ArgumentError
from contrapose.evaluation import found_again, retrieval
from contrapose.learners import Learner
from contrapose.methods import METHODS
from contrapose.methods.assemble import assemble
from contrapose.modalities import MODALITIES
from contrapose.tasks.renaming import Renamed
from contrapose.training.config_file import from_dictionary
from contrapose.training.in_memory import train_in_memory
from contrapose.views.texts.programs.parts import parts_of
from contrapose.views.texts.programs.python_names import local_names, rename_function, rename_variables
from contrapose.views.texts.programs.two_sides import sides_of

LEAST = 4
"""Variables that a function has which is asked about; the library's have two in the middle."""
HARDEST = 8
"""Variables that are renamed where programs are told apart the worst."""


class Function(NamedTuple):
    """A function of the library, and the module at the top that it is of."""

    name: str
    text: str
    module: str


def library_by_module(source: str, protocol: Protocol, seed: int) -> Ground:
    """Functions of 5 to 60 lines of the running Python's library, no two of them the same but for names; the same for
    all seeds. Those that are asked have 4 variables or more.

    Modules, with all that is within them, are taken in an order that a hash of their names gives: the first to report
    on, the next to choose on, the rest to learn from, until there are enough. Where the protocol asks for more than
    the library has, they are those that `source` names.

    Errors:
        ArgumentError: there are fewer.
    """
    wanted = (protocol.test, protocol.validation, max(protocol.images, protocol.labelled))
    parts = _parts(source, *wanted)
    found = [len(part) for part in parts]
    if found != list(wanted):
        raise ArgumentError(
            f"The protocol asks for {wanted[2]:,} functions to learn from, {wanted[1]:,} to choose on and "
            f"{wanted[0]:,} to report on, the latter with {LEAST} variables; found {found[2]:,}, {found[1]:,} and "
            f"{found[0]:,}. Give a folder of more Python with --data."
        )
    test, validation, known = (_texts(part) for part in parts)
    pretraining = known.subset(np.arange(protocol.images))
    return Ground({"pretraining": pretraining}, known.subset(np.arange(protocol.labelled)), validation, test)


@cache
def _parts(source: str, test: int, validation: int, learned: int) -> list[list[Function]]:
    """The functions of each part, as many as are wanted or as there are."""
    own = _split(_library(), test, validation, learned)
    if len(own[2]) == learned or source == PYTHON_FUNCTIONS:
        return own
    return _split(_opened(source), test, validation, learned)


def _split(found: Iterator[Function], test: int, validation: int, learned: int) -> list[list[Function]]:
    parts: list[list[Function]] = [[], [], []]
    sizes, at, last, seen = (test, validation, learned), 0, None, set()
    for function in found:
        if function.module != last and at < 2 and len(parts[at]) == sizes[at]:
            at += 1  # what is left of a module is of no other part
        last = function.module
        if len(parts[at]) == sizes[at]:
            if at == 2:
                break
            continue
        if at < 2 and len(local_names(function.text)) < LEAST:
            continue
        same = canonical(function.text)
        if same not in seen:
            seen.add(same)
            parts[at].append(function)
    return parts


def _library() -> Iterator[Function]:
    """The library's functions, module by module in the order of the hashes of their names."""
    paths = sorted(modules(library_folder()), key=lambda one: (_hashed(one[0].partition(".")[0]), one[0]))
    for module, path in paths:
        try:
            source = path.read_bytes().decode()
        except (OSError, ValueError):
            continue
        for name, text, _ in functions(source, module, least=LEAST_LINES, most=MOST_LINES) or ():
            yield Function(name, text, module.partition(".")[0])


def _opened(source: str) -> Iterator[Function]:
    """Functions that `source` names, file by file in the same way."""
    samples = MODALITIES["text"].open(source)
    texts = samples.batch(np.arange(len(samples)))
    named = zip(samples.identifiers, texts, strict=True)
    found = [Function(name, text, name.partition("/")[0]) for name, text in named]
    yield from sorted(found, key=lambda one: (_hashed(one.module), one.name))


def canonical(text: str) -> str:
    """A function without docstring and layout, its own name and those of its variables being numbers: what is the same
    of copies that were renamed."""
    program = parts_of(text).program
    still = cast("np.random.Generator", _Still())
    return rename_variables(rename_function(program, still).text, still, count=10**6).text


class _Still:
    """What draws nothing: everything in its order."""

    def permutation(self, count: int) -> np.ndarray:
        return np.arange(count)


def _hashed(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def _texts(part: Sequence[Function]) -> Samples:
    return Texts([one.text for one in part], identifiers=[one.name for one in part], origin="functions of Python")


def renamed_programs(subject: Subject) -> dict[str, float]:
    """`found again, k renamed` for k = 1 to 8 (v0, v1, ...), their mean, and with 8 names of other functions
    (`borrowed`): of the functions that are asked, which the untouched one finds; `found unchanged` is their share."""
    texts = tuple(subject.asked.batch(np.arange(len(subject.asked))))
    plain, borrowed = _renamed(texts), _renamed(texts, borrowed=True)
    numbers: dict[str, int] = {}  # of different texts: many have fewer variables than are to be renamed
    places = {
        k: np.asarray([numbers.setdefault(text, len(numbers)) for text in copies])  # (N,)
        for k, copies in {**plain.copies, -1: borrowed.copies[HARDEST]}.items()
    }
    every = subject.embed(_samples([*numbers]))  # (M, D)
    rows = every[places[0]]  # (N, D)
    found = found_again(rows, {k: every[at] for k, at in places.items() if k >= 0})
    other = found_again(rows, {0: rows, HARDEST: every[places[-1]]})
    return {
        "found unchanged": found.known / found.count,
        **{f"found again, {k} renamed": metric.value for k, metric in found.curve.items() if k},
        "found again, mean": found.area.value,
        f"found again, {HARDEST} borrowed": other.curve[HARDEST].value,
    }


@lru_cache(maxsize=4)
def _renamed(texts: tuple[str, ...], *, borrowed: bool = False) -> Renamed:
    pool = [*dict.fromkeys(name for text in texts for name in local_names(text))] if borrowed else ()
    return Renamed.of(texts, pool=pool)


def _samples(texts: Sequence[str]) -> Samples:
    return Texts(list(texts))


def searched(*, batch_size: int = 32, epochs: int = 1) -> Callable[[Subject], dict[str, float]]:
    """`MRR`: docstrings of the functions asked look for their functions, after the same short `code-search` of a copy
    of the encoder on the labelled ones. A floor is asked as it is.

    Arguments:
        batch_size, epochs: of that fine-tuning.
    """

    def measure(subject: Subject) -> dict[str, float]:
        embed = subject.embed if subject.learner is None else _fine_tuned(subject, subject.learner, batch_size, epochs)
        sides = [one for one in map(sides_of, subject.asked.batch(np.arange(len(subject.asked)))) if one is not None]
        comments, programs = ([pair[side] for pair in sides] for side in (0, 1))
        rows = embed(_samples([*comments, *programs]))  # (2N, D)
        numbers = np.arange(len(sides))
        queries, items = (np.pad(part, ((0, 0), (0, 1)), constant_values=1e-6) for part in np.split(rows, 2))
        return {"MRR": retrieval(queries, numbers, items, numbers, ks=(1,)).metrics["MRR"].value}

    return measure


def _fine_tuned(subject: Subject, learner: Learner, batch_size: int, epochs: int) -> Callable[[Samples], Any]:
    known = subject.ground.labelled
    texts = known.batch(np.arange(len(known)))
    said = known.subset(np.asarray([row for row, text in enumerate(texts) if sides_of(text) is not None]))
    options = {"batch_size": batch_size, "epochs": epochs, "seed": subject.seed}
    config = from_dictionary(METHODS["code-search"].on("text"), options, where="the search of this claim")
    encoder: Any = copy.deepcopy(learner.encoder)
    search, views = assemble(config, said, initial=encoder)
    device = next(learner.parameters()).device
    train_in_memory(search, said, views, config, device=device)
    return Embedder(cast("Any", search.encoder).eval()).embed
