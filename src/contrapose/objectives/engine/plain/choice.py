"""Which calls are plain, and in which form they are computed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from contrapose.objectives.engine.plain.kernels.usable import by_kernel
from contrapose.objectives.engine.plain.plan import Form, plan_of
from contrapose.objectives.engine.plain.positives import attraction, positives_of
from contrapose.objectives.engine.plain.reduce import reduce_plain
from contrapose.objectives.engine.terms import Sums, TermsOfTile
from contrapose.pairing import Pairing, Plain
from contrapose.tracing import is_readable

# Exponents up to so much, above and below 0, have exponentials of which millions can be summed and divided with all of
# their digits. Unit rows are below at temperatures from 1/60 on.
LARGEST_EXPONENT = {torch.float32: 60.0, torch.float64: 300.0}
# So many exponentials are kept for the backward rather than made again, 4 MiB in float32: the second level of caches.
LARGEST_KEPT = 2**20
# Rows and columns of a tile. The former was measured for tiles with masks (benchmarks/tiled_softmax.py --sweep; flat
# around the best), the squares by short runs on a busy machine.
CPU_TILE, CPU_SQUARE = (512, 1024), (512, 512)
# An accelerator wants few, large calls: a tile of 64 MiB. Reasoned, not measured.
ACCELERATOR_TILE = (2048, 8192)


@dataclass(frozen=True)
class Call:
    """What `row_reduce` was asked for, checked and in one dtype; y is x itself where they are the same rows.

    Shapes:
        x: `(R, D)`, y: `(M, D)`, scale: `()`, anchors: `(R,)` the anchor of each row, None = row i is anchor i.
    """

    x: Tensor
    y: Tensor
    terms: TermsOfTile
    pairing: Pairing
    anchors: Tensor | None
    scale: Tensor
    tile_rows: int | None
    tile_columns: int | None


def plain_rows(call: Call) -> tuple[Tensor, ...] | None:
    """The channels of the rows, `(R,)` each, in the order of the terms; None where the call is not plain."""
    found = _plain_sums(call)
    if found is None:
        return None
    terms, plain = found
    running = _is_running(call, terms)
    symmetric = call.x is call.y and plain.same_rows and call.anchors is None and not running
    logs = _log_sums(call, terms, plain, "symmetric" if symmetric else "rows", running)
    return _channels(call, terms, plain, logs)


def plain_both_ways(call: Call, back: Call) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]] | None:
    """The channels of the rows, and those of the columns, from one pass; None where the call is not plain.

    Arguments:
        back: the same with x and y exchanged, and a pairing to match.
    """
    found, mirrored = _plain_sums(call), back.pairing.plain()
    if found is None or mirrored is None or found[1].queue or _is_running(call, found[0]):
        return None
    terms, plain = found
    logs, count = _log_sums(call, terms, plain, "both", False), len(terms.log)
    return _channels(call, terms, plain, logs[:count]), _channels(back, terms, mirrored, logs[count:])


def _plain_sums(call: Call) -> tuple[Sums, Plain] | None:
    terms, plain = call.terms, call.pairing.plain()
    if plain is None or not isinstance(terms, Sums) or call.x.device.type == "meta":
        return None
    if not is_readable(call.x) and not by_kernel(call.x, terms) and not _reads_nothing(call, terms, plain):
        return None
    if any(isinstance(channel.factor, Tensor) for channel in terms.log):
        return None
    if not plain.in_batch_negatives:
        # of the batch each row's one positive is all that is valid, and that is known from the attraction
        one = not plain.same_rows and plain.period == len(plain.candidate_groups)
        if not plain.queue or not one or any(each.raised or each.slope is not None for each in terms.log):
            return None
    return terms, plain


def _reads_nothing(call: Call, terms: Sums, plain: Plain) -> bool:
    """Whether who is left out can be told without a look at numbers: by places alone."""
    return call.anchors is None and (plain.period is not None or all(each.over == "valid" for each in terms.log))


def _is_running(call: Call, terms: Sums) -> bool:
    """Whether exponentials may overflow or vanish, as far as lengths tell: |x·y| is at most |x| |y|.

    A kernel looks for the largest one in any case. Lengths that may not be looked at tell nothing.
    """
    if by_kernel(call.x, terms):
        return False
    if not is_readable(call.x):
        return True
    with torch.no_grad():
        different = (call.x,) if call.x is call.y else (call.x, call.y)
        longest = [torch.linalg.vector_norm(rows, dim=1).max() for rows in different]
        bound = float(longest[0] * longest[-1] * call.scale.abs())
    largest = bound * max((abs(float(channel.factor)) for channel in terms.log), default=0.0)
    return not largest <= LARGEST_EXPONENT[call.x.dtype]


def _log_sums(call: Call, terms: Sums, plain: Plain, form: Form, running: bool) -> list[Tensor]:
    usual = (CPU_TILE if form == "rows" else CPU_SQUARE) if call.x.device.type == "cpu" else ACCELERATOR_TILE
    plan = plan_of(
        terms,
        plain,
        call.anchors,
        form=form,
        running=running,
        keep=call.tile_rows is call.tile_columns is None and len(call.x) * len(call.y) <= LARGEST_KEPT,
        tile_rows=call.tile_rows or usual[0],
        tile_columns=call.tile_columns or usual[1],
        kernel=by_kernel(call.x, terms),
    )
    first = 0 if plain.in_batch_negatives else len(plain.candidate_groups)
    return reduce_plain(plan, call.x, call.y[first:] if first else call.y, call.scale)


def _channels(call: Call, terms: Sums, plain: Plain, logs: list[Tensor]) -> tuple[Tensor, ...]:
    """The log channels and the linear ones, in the order of the terms."""
    linear: dict[str, Tensor] = {}
    if "attraction" in terms.linear or not plain.in_batch_negatives:
        batch = call.y[: len(plain.candidate_groups)] if plain.queue else call.y
        linear["attraction"] = attraction(positives_of(plain, call.anchors), call.x, batch, call.scale)  # (R,)
    if "weight" in terms.linear or "negatives" in terms.linear:
        positives, negatives = call.pairing.counts(call.anchors)  # (R,) each
        linear |= {"weight": positives.to(call.x), "negatives": negatives.to(call.x)}
    if not plain.in_batch_negatives:
        logs = [
            torch.logaddexp(log, channel.factor * linear["attraction"]) if channel.over == "valid" else log
            for channel, log in zip(terms.log, logs, strict=True)
        ]
    return *logs, *(linear[name] for name in terms.linear)
