"""One-shot classification: one example a class, many small runs."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.evaluation.inputs import Array, as_rows
from contrapose.evaluation.metric import Metric
from contrapose.evaluation.similarity import levels, unit_rows


def one_shot(support: Array, query: Array, answer: Array, *, generator: torch.Generator | None = None) -> Metric:
    """Accuracy of naming each query after the nearest of N single examples, over R runs.

    Equation: right(r, q) = 1 if argmax over n of cos(query[r, q], support[r, n]) is answer[r, q]; if m
    supports tie for the nearest and the answer is among them, 1 / m. The value is the mean over runs and
    queries. The interval resamples whole runs (cluster bootstrap), since the queries of a run share their
    examples, and is never narrower than Wilson's of as many independent queries; a single run leaves only its
    queries to resample, and the protocol says so.

    Shapes:
        support: `(R, N, D)`; query: `(R, Q, D)`; answer: `(R, Q)` integers in [0, N).

    Arguments:
        support: embeddings of the N examples of each run, one a class.
        query: embeddings of the Q samples to name in each run.
        answer: which of the N examples is of the query's class.
        generator: of the interval, see `bootstrap_interval`.

    Errors:
        ArgumentError: shapes that do not fit each other, NaN or infinite rows, zero rows, fewer than 2
            examples or queries in all, answers outside [0, N).

    Closed form: constant features score 1 / N exactly, which is chance; queries that are copies of their
    examples score 100 %. Paper: Lake et al. 2015, https://doi.org/10.1126/science.aab3050 (20 runs, 20-way,
    on Omniglot).
    """
    supports, queries = as_rows(support, "support", letters="R N D"), as_rows(query, "query", letters="R Q D")
    answers = _answers(answer, supports, queries)  # (R, Q)
    right = _right(supports, queries, answers)  # (R, Q)
    runs, ways = supports.shape[:2]
    over = "runs" if runs > 1 else "the queries of one run"
    return Metric.from_items(
        "one-shot",
        right.mean(dim=1) if runs > 1 else right[0],  # (R,), or (Q,) for a single run
        protocol=f"{ways}-way one-shot, nearest by cosine, {runs} runs x {right.shape[1]} queries, "
        f"interval over {over}, chance {100 / ways:.1f} %",
        count=right.numel(),
        trials=right.numel(),
        generator=generator,
    )


def _right(supports: Tensor, queries: Tensor, answers: Tensor) -> Float64[Tensor, "R Q"]:
    dtype = torch.promote_types(supports.dtype, queries.dtype)
    queries = queries.to(device=supports.device, dtype=torch.float64)
    cosines = unit_rows(queries, "query") @ unit_rows(supports.double(), "support").mT  # (R, Q, N)
    nearness = levels(cosines, dtype).cpu()
    tied = nearness == nearness.amax(dim=-1, keepdim=True)  # (R, Q, N)
    hit = tied.gather(-1, answers[..., None]).squeeze(-1)  # (R, Q)
    return hit.double() / tied.sum(dim=-1)


def _answers(answer: Array, supports: Tensor, queries: Tensor) -> Tensor:
    (runs, ways, length), (query_runs, per_run, query_length) = supports.shape, queries.shape
    if runs != query_runs or length != query_length:
        raise ArgumentError(
            f"support (R, N, D) and query (R, Q, D) must agree in R and D; got {tuple(supports.shape)} and "
            f"{tuple(queries.shape)}."
        )
    if ways < 2 or runs * per_run < 2:
        raise ArgumentError(
            f"one_shot needs at least 2 examples a run and 2 queries in all; got {ways} examples and "
            f"{runs} runs of {per_run} queries."
        )
    array = answer.detach().cpu().numpy() if isinstance(answer, Tensor) else np.asarray(answer)
    if array.shape != (runs, per_run) or array.dtype.kind not in "iu":
        raise ArgumentError(
            f"answer must hold an integer for each query, {(runs, per_run)}; got {array.shape} of {array.dtype}."
        )
    outside = int(((array < 0) | (array >= ways)).sum())
    if outside:
        raise ArgumentError(f"answer: {outside} of {array.size} lie outside 0..{ways - 1}, the examples of a run.")
    return torch.from_numpy(array.astype(np.int64))
