"""The kernels. To be imported only where Triton is.

One program answers for a block of A rows of `a` and goes along all rows of `b`, B at a time, so that no two write to
the same place and every sum has one order. All numbers are float32; `count_a` and `count_b` are numbers of rows,
`WIDTH` is D.
"""

# Annotations are objects here, not strings: Triton reads them.
import triton
import triton.language as tl


@triton.jit
def exponents(
    a,
    b,
    alpha,
    factor,
    place_a,
    place_b,
    group_a,
    group_b,
    mine,
    others,
    count_a,
    count_b,
    WIDTH: tl.constexpr,
    A: tl.constexpr,
    B: tl.constexpr,
    DEPTH: tl.constexpr,
    BY_PLACE: tl.constexpr,
    BY_GROUP: tl.constexpr,
    DISTANCES: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """factor · alpha · a·b of a block, `(A, B)`; -inf where a candidate is left out or past the last row.

    Shapes:
        a: `(count_a, WIDTH)`, b: `(count_b, WIDTH)`, mine: `(A,)`, others: `(B,)` row numbers, int64.
    """
    inside_a, inside_b = mine < count_a, others < count_b  # (A,), (B,)
    similarity = tl.zeros((A, B), tl.float32)
    for start in range(0, WIDTH, DEPTH):
        d = start + tl.arange(0, DEPTH)  # (DEPTH,)
        left = tl.load(
            a + mine[:, None] * WIDTH + d[None, :], mask=inside_a[:, None] & (d < WIDTH)[None, :], other=0.0
        )  # (A, DEPTH)
        right = tl.load(
            b + others[None, :] * WIDTH + d[:, None], mask=inside_b[None, :] & (d < WIDTH)[:, None], other=0.0
        )  # (DEPTH, B)
        similarity = tl.dot(left, right, similarity, input_precision=PRECISION)
    similarity = alpha * similarity
    if DISTANCES:
        similarity = tl.maximum(similarity, 0.0)
    left_out = (~inside_b)[None, :] | (~inside_a)[:, None]  # (A, B)
    if BY_PLACE:
        place = tl.load(place_a + mine, mask=inside_a, other=0)  # (A,)
        left_out |= place[:, None] == tl.load(place_b + others, mask=inside_b, other=0)[None, :]
    if BY_GROUP:
        group = tl.load(group_a + mine, mask=inside_a, other=0)  # (A,)
        left_out |= group[:, None] == tl.load(group_b + others, mask=inside_b, other=0)[None, :]
    return tl.where(left_out, float("-inf"), factor * similarity)


@triton.jit
def log_sums(
    a,
    b,
    scale,
    factor,
    place_a,
    place_b,
    group_a,
    group_b,
    logs,
    count_a,
    count_b,
    WIDTH: tl.constexpr,
    A: tl.constexpr,
    B: tl.constexpr,
    DEPTH: tl.constexpr,
    BY_PLACE: tl.constexpr,
    BY_GROUP: tl.constexpr,
    DISTANCES: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """l_i = log sum_j exp(factor · scale · a_i·b_j), its largest term found on the way; writes logs `(count_a,)`."""
    mine = tl.program_id(0).to(tl.int64) * A + tl.arange(0, A)  # (A,)
    alpha = tl.load(scale)
    largest = tl.full((A,), float("-inf"), tl.float32)
    total = tl.zeros((A,), tl.float32)
    for start in range(0, count_b, B):
        others = start + tl.arange(0, B).to(tl.int64)  # (B,)
        u = exponents(
            a, b, alpha, factor, place_a, place_b, group_a, group_b, mine, others, count_a, count_b,
            WIDTH, A, B, DEPTH, BY_PLACE, BY_GROUP, DISTANCES, PRECISION,
        )  # (A, B)  # fmt: skip
        peak = tl.maximum(largest, tl.max(u, 1))  # (A,)
        shift = tl.where(peak == float("-inf"), 0.0, peak)  # of a row of nothing yet: -inf less -inf is no number
        total = total * tl.exp(largest - shift) + tl.sum(tl.exp(u - shift[:, None]), 1)
        largest = peak
    empty = total == 0.0
    found = tl.where(empty, float("-inf"), largest + tl.log(tl.where(empty, 1.0, total)))  # (A,)
    tl.store(logs + mine, found, mask=mine < count_a)


@triton.jit
def gradients(
    a,
    b,
    scale,
    factor,
    place_a,
    place_b,
    group_a,
    group_b,
    log_a,
    log_b,
    share_a,
    share_b,
    out,
    count_a,
    count_b,
    WIDTH: tl.constexpr,
    A: tl.constexpr,
    B: tl.constexpr,
    DEPTH: tl.constexpr,
    OUT: tl.constexpr,
    BY_PLACE: tl.constexpr,
    BY_GROUP: tl.constexpr,
    FROM_A: tl.constexpr,
    FROM_B: tl.constexpr,
    DISTANCES: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """d loss / d a_i over the scale: sum_j w_ij b_j, w_ij = share_i exp(u_ij - l_i) + share_j exp(u_ij - l_j).

    The first part comes of the sums of the rows of `a` (FROM_A), the second of those of `b` (FROM_B). Program (n, m)
    writes the dimensions of block m of the rows of block n of out `(count_a, WIDTH)`.

    Shapes:
        log_a, share_a: `(count_a,)`, log_b, share_b: `(count_b,)`; a row of nothing has l = +inf here, and no share.
    """
    mine = tl.program_id(0).to(tl.int64) * A + tl.arange(0, A)  # (A,)
    written = tl.program_id(1) * OUT + tl.arange(0, OUT)  # (OUT,)
    inside_a, inside = mine < count_a, written < WIDTH
    alpha = tl.load(scale)
    if FROM_A:
        l_a = tl.load(log_a + mine, mask=inside_a, other=float("inf"))  # (A,)
        s_a = tl.load(share_a + mine, mask=inside_a, other=0.0)  # (A,)
    total = tl.zeros((A, OUT), tl.float32)
    for start in range(0, count_b, B):
        others = start + tl.arange(0, B).to(tl.int64)  # (B,)
        inside_b = others < count_b
        u = exponents(
            a, b, alpha, factor, place_a, place_b, group_a, group_b, mine, others, count_a, count_b,
            WIDTH, A, B, DEPTH, BY_PLACE, BY_GROUP, DISTANCES, PRECISION,
        )  # (A, B)  # fmt: skip
        weights = tl.zeros((A, B), tl.float32)
        if FROM_A:
            weights += s_a[:, None] * tl.exp(u - l_a[:, None])
        if FROM_B:
            l_b = tl.load(log_b + others, mask=inside_b, other=float("inf"))  # (B,)
            s_b = tl.load(share_b + others, mask=inside_b, other=0.0)  # (B,)
            weights += s_b[None, :] * tl.exp(u - l_b[None, :])
        values = tl.load(
            b + others[:, None] * WIDTH + written[None, :], mask=inside_b[:, None] & inside[None, :], other=0.0
        )  # (B, OUT)
        total = tl.dot(weights, values, total, input_precision=PRECISION)
    tl.store(out + mine[:, None] * WIDTH + written[None, :], total, mask=inside_a[:, None] & inside[None, :])
