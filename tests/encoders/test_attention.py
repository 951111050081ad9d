"""Bricks of transformers: what a mask leaves out is as if it were not there."""

from __future__ import annotations

import math

import torch

from contrapose.encoders.attention import Attention, Block


def test_nobody_attends_to_what_is_masked() -> None:
    torch.manual_seed(0)
    attention, x = Attention(6, 2).double(), torch.randn(3, 5, 6, dtype=torch.float64)
    mask = torch.tensor([[True] * 5, [True, True, False, True, False], [True] + [False] * 4])
    q, k, v = attention.project_in(x).split(6, dim=-1)
    heads = []
    for head in (slice(0, 3), slice(3, 6)):
        scores = (q[..., head] @ k[..., head].mT / math.sqrt(3)).masked_fill(~mask[:, None], -torch.inf)
        heads.append(scores.softmax(-1) @ v[..., head])
    torch.testing.assert_close(attention(x, mask), attention.project_out(torch.cat(heads, -1)))
    torch.testing.assert_close(attention(x, torch.ones(3, 5, dtype=torch.bool)), attention(x))


def test_a_block_of_the_real_steps_alone_gives_the_same() -> None:
    torch.manual_seed(0)
    block, x = Block(8, 2).double(), torch.randn(1, 6, 8, dtype=torch.float64)
    mask = torch.tensor([[True, True, True, False, False, False]])
    torch.testing.assert_close(block(x, mask)[:, :3], block(x[:, :3]))
    assert not torch.allclose(block(x)[:, :3], block(x[:, :3]))


def test_dropout_works_on_what_is_added_and_only_in_training() -> None:
    torch.manual_seed(0)
    block, x = Block(8, 2, dropout=0.5), torch.randn(2, 4, 8)
    plain = Block(8, 2)
    plain.load_state_dict(block.state_dict())  # it has no weights of its own
    assert torch.equal(block.eval()(x), plain(x))
    assert not torch.equal(block.train()(x), block(x))
