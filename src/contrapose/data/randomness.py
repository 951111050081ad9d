"""Random streams named by numbers: (seed, epoch), (seed, step, rank), ...

A stream is found again from its numbers alone, so nothing about randomness has to be saved for a run to be
resumed bit for bit, and two streams never depend on how much was drawn from a third.
"""

from __future__ import annotations

import hashlib
import operator

import torch

from contrapose.errors import ArgumentError


def derived_seed(seed: int, *numbers: int | str) -> int:
    """A seed in `[0, 2^63)` mixed from `seed` and any further numbers, in their order.

        derived = SHA-256(decimal text of the numbers, joined by commas), its first 8 bytes, modulo 2^63

    A hash, because sums such as `seed + step` give neighbouring seeds the same streams a step apart.

    Arguments:
        seed: the run's seed.
        numbers: what the stream is for, e.g. epoch, or step and rank; `(1, 2)` and `(2, 1)` differ. A name counts as
            the number that its bytes write behind a one.

    Errors:
        ArgumentError: something that is neither an integer nor a name.
    """
    try:
        text = ",".join(str(_number(number)) for number in (seed, *numbers))
    except TypeError:
        raise ArgumentError(f"Random streams are named by integers, not by {(seed, *numbers)!r}.") from None
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def _number(name: int | str) -> int:
    return int.from_bytes(b"\x01" + name.encode(), "big") if isinstance(name, str) else operator.index(name)


def derived_generator(seed: int, *numbers: int | str, device: torch.device | str = "cpu") -> torch.Generator:
    """A fresh generator for the stream named by `seed` and `numbers` (see `derived_seed`).

    The CPU engine of torch (MT19937) starts from 32 bits of its seed: among n streams about n² / 2^33 pairs
    coincide, e.g. one pair among a hundred thousand steps. Harmless for views and permutations; not meant for
    cryptography.

    Arguments:
        device: where the generator lives; `"cpu"` as everywhere in this library, so that a seed means the
            same numbers on every machine.
    """
    generator = torch.Generator(device=device)
    generator.manual_seed(derived_seed(seed, *numbers))
    return generator
