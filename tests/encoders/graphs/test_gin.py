"""The graph isomorphism network against dense matrices, and what must not matter to it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.autograd import forward_ad, gradcheck, gradgradcheck

from contrapose.encoders import Encoder, build_graphs, concatenate, load_encoder, save_encoder
from contrapose.encoders.graphs.sums import Sums
from contrapose.errors import ArgumentError
from contrapose.graph_batch import GraphBatch
from contrapose.node_inputs import NodeInputs, degrees
from contrapose.view import join

TAGS, FEATURES = NodeInputs("tags", ("c", "n", "o")), NodeInputs("features", features=2)


def graphs_of(*matrices: Tensor, inputs: NodeInputs = TAGS, seed: int = 0) -> GraphBatch:
    """Graphs by their adjacency matrices, nodes drawn."""
    whole = torch.block_diag(*matrices)  # (S, S)
    ends = torch.tensor([0, *(len(one) for one in matrices)]).cumsum(0)
    generator = torch.Generator().manual_seed(seed)
    S = len(whole)
    tags = torch.randint(-1, 3, (S,), generator=generator)
    nodes = torch.randn(S, 2, generator=generator) if inputs.are_numbers else tags
    empty = GraphBatch(nodes, torch.zeros(2, 0, dtype=torch.int64), ends, torch.zeros_like(ends))
    return empty.with_edges(whole.nonzero().T)


def adjacency(nodes: int, seed: int = 0, chance: float = 0.4) -> Tensor:
    upper = (torch.rand(nodes, nodes, generator=torch.Generator().manual_seed(seed)) < chance).triu(1)
    return (upper | upper.T).float()


MATRICES = (adjacency(7), adjacency(1), adjacency(12, 1), adjacency(4, chance=0.0))


def encoder_of(inputs: NodeInputs = TAGS, name: str = "gin", **arguments: object) -> Encoder:
    scales = {"mean": [0.5, -1], "scale": [2, 3]} if inputs.are_numbers else {}
    encoder = build_graphs(name, inputs=inputs, seed=0, layers=2, width=5, **scales, **arguments)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():  # statistics and scales of a trained one
        for value in encoder.state_dict().values():
            if value.is_floating_point():
                value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
    return encoder.eval()


def dense(encoder: Encoder, view: GraphBatch, *, edges: bool = True, mean: bool = False) -> Tensor:
    """The same by matrices, as the paper writes it: the perceptron behind the sum, tags as one number a value."""
    network, S = encoder.backbone, len(view.nodes)
    near = torch.zeros(S, S)
    near[view.edges[1], view.edges[0]] = 1
    h = view.nodes
    if not h.is_floating_point():
        h = torch.nn.functional.one_hot(h.where(h >= 0, 3), 4).float()
    owners = torch.nn.functional.one_hot(view.graph_of_nodes, len(view)).T.float()  # (B, S)
    owners = owners / owners.sum(1, keepdim=True) if mean else owners
    found = []
    for layer, (first, second) in enumerate(zip(network.first, network.second, strict=True)):
        weight = first.weight.T if isinstance(first, torch.nn.Linear) else first.weight
        epsilon = 0 if network.epsilon is None else network.epsilon[layer]
        total = (1 + epsilon) * h + (near @ h if edges else 0)
        h = second(total @ weight)
        found.append(owners @ h)
    return torch.cat(found, dim=1)


@pytest.mark.parametrize("inputs", [TAGS, FEATURES], ids=["tags", "features"])
@pytest.mark.parametrize("arguments", [{}, {"readout": "mean"}, {"learn_epsilon": True}])
def test_it_is_the_paper_s_equation(inputs: NodeInputs, arguments: dict[str, object]) -> None:
    encoder = encoder_of(inputs, **arguments)
    view = encoder.prepare(graphs_of(*MATRICES, inputs=inputs))
    torch.testing.assert_close(encoder(view), dense(encoder, view, mean="readout" in arguments), rtol=1e-4, atol=1e-5)
    assert encoder(view).shape == (4, encoder.dimension) == (4, 10)


def test_without_edges_it_is_a_set_of_nodes() -> None:
    encoder = encoder_of(name="node_bag")
    view = graphs_of(*MATRICES)
    torch.testing.assert_close(encoder(view), dense(encoder, view, edges=False), rtol=1e-4, atol=1e-5)
    rewired = graphs_of(*(adjacency(len(one), 9) for one in MATRICES))
    assert torch.equal(encoder(view), encoder(rewired))
    assert not torch.allclose(encoder_of()(view), encoder_of()(rewired))


def test_neither_the_order_of_nodes_nor_of_graphs_nor_what_is_beside_matters() -> None:
    encoder, view = encoder_of(), graphs_of(*MATRICES)
    z = encoder(view)
    order = torch.cat([part + torch.randperm(len(part)) - torch.arange(len(part)) for part in _parts(view)])
    place = order.argsort()
    permuted = view.with_nodes(view.nodes[order]).with_edges(place[view.edges])
    torch.testing.assert_close(encoder(permuted), z, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(encoder(view[[2, 0, 3, 1]]), z[[2, 0, 3, 1]], rtol=1e-5, atol=1e-5)
    alone = torch.cat([encoder(view[row]) for row in range(4)])
    torch.testing.assert_close(alone, z, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(encoder(join([graphs_of(adjacency(9, 4)), view]))[1:], z, rtol=1e-5, atol=1e-5)


def _parts(view: GraphBatch) -> list[Tensor]:
    return list(torch.arange(len(view.nodes)).split(view.node_counts.tolist()))


def test_edges_in_any_order_are_put_in_order() -> None:
    encoder, view = encoder_of(), graphs_of(*MATRICES)
    shuffled = torch.cat(
        [part[torch.randperm(len(part))] for part in torch.arange(view.edges.shape[1]).split(view.edge_counts.tolist())]
    )
    by_hand = GraphBatch(view.nodes, view.edges[:, shuffled], view.node_pointers, view.edge_pointers)
    torch.testing.assert_close(encoder(by_hand), encoder(view), rtol=1e-5, atol=1e-5)


def test_sums_have_the_gradients_of_matrices() -> None:
    view = graphs_of(*MATRICES)
    sums, S = Sums(view), len(view.nodes)
    h = torch.randn(S, 3, dtype=torch.float64, requires_grad=True)
    for summed in (sums.neighbours, sums.graphs):
        assert gradcheck(summed, (h,))
        assert gradgradcheck(lambda x, summed=summed: summed(x).pow(2), (h,))
        matrix = torch.autograd.functional.jacobian(lambda x, summed=summed: summed(x).sum(1), h)[:, :, 0]
        torch.testing.assert_close(summed(h), matrix @ h)
        with forward_ad.dual_level():
            tangent = torch.randn_like(h)
            moved = forward_ad.unpack_dual(summed(forward_ad.make_dual(h.detach(), tangent))).tangent
        torch.testing.assert_close(moved, matrix @ tangent)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_it_computes_in_other_precisions(dtype: torch.dtype) -> None:
    encoder, view = encoder_of(), graphs_of(*MATRICES)
    wide = encoder(view)
    found = encoder.to(dtype)(view)
    assert found.dtype == dtype
    torch.testing.assert_close(found.float(), wide.float(), rtol=0.05, atol=0.1)


def test_a_graph_without_edges_trains() -> None:
    encoder = encoder_of().train()
    z = encoder(graphs_of(adjacency(3, chance=0.0), adjacency(2, chance=0.0)))
    z.square().sum().backward()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in encoder.parameters())


@pytest.mark.parametrize("inputs", [TAGS, FEATURES, degrees(4)], ids=["tags", "features", "degree"])
def test_it_is_kept_and_loaded(inputs: NodeInputs, tmp_path: object) -> None:
    encoder = encoder_of(inputs)
    view = encoder.prepare(graphs_of(*MATRICES, inputs=inputs))
    save_encoder(encoder, str(tmp_path))
    again = load_encoder(str(tmp_path))
    assert again.form == encoder.form
    assert torch.equal(again(view), encoder(view))
    beside = concatenate([encoder, again], normalize=False)
    assert torch.equal(beside(view), torch.cat([encoder(view)] * 2, dim=1))


def test_unknown_tags_begin_at_zero_and_are_learned() -> None:
    encoder = build_graphs("gin", inputs=TAGS, seed=0)
    table = encoder.backbone.first[0].weight
    assert table.shape == (4, 32)
    assert (table[-1] == 0).all()
    assert table[:-1].abs().max() <= 1 / 3**0.5
    encoder(graphs_of(*MATRICES)).sum().backward()
    assert table.grad[-1].abs().max() > 0


def test_what_it_cannot_take_is_refused() -> None:
    encoder = encoder_of()
    with pytest.raises(
        ArgumentError, match=r"takes a GraphBatch whose nodes have 3 tags and was given nodes of torch.float32"
    ):
        encoder.prepare(graphs_of(*MATRICES, inputs=FEATURES))
    with pytest.raises(ArgumentError, match=r"knows tags 0 to 2, .* and was given 3"):
        encoder.prepare(graphs_of(*MATRICES).with_nodes(torch.full((24,), 3)))
    with pytest.raises(ArgumentError, match="was given Tensor"):
        encoder.prepare(torch.zeros(2, 3))
    with pytest.raises(ArgumentError, match="readout='max' cannot be used: choose one of sum, mean"):
        build_graphs("gin", inputs=TAGS, readout="max")
    with pytest.raises(ArgumentError, match=r"Unknown encoder of graphs 'gni'. Did you mean 'gin'"):
        build_graphs("gni", inputs=TAGS)
    with pytest.raises(ArgumentError, match="one number a feature, scale above 0"):
        build_graphs("gin", inputs=FEATURES, mean=[0, 0], scale=[1, 0])


def test_features_are_standardised() -> None:
    raw = graphs_of(*MATRICES, inputs=FEATURES)
    view = encoder_of(FEATURES).prepare(raw)
    torch.testing.assert_close(view.nodes, (raw.nodes - torch.tensor([0.5, -1])) / torch.tensor([2.0, 3.0]))


def test_views_are_said_in_words() -> None:
    view = graphs_of(1 - torch.eye(3)).with_nodes(torch.tensor([0, 0, -1]))
    assert encoder_of().in_words(view) == ["3 nodes, 3 edges; c (2), unknown (1)"]


@pytest.mark.parametrize("inputs", [TAGS, FEATURES])
def test_weights_may_be_stood_in_for(inputs: NodeInputs) -> None:
    """As torch.func does it, by which curvature is measured."""
    encoder, view = encoder_of(inputs).eval(), graphs_of(*MATRICES, inputs=inputs)
    moved = {name: weight.detach() * 2 for name, weight in encoder.named_parameters()}
    with torch.no_grad():
        found = torch.func.functional_call(encoder, moved, (view,))
        for weight in encoder.parameters():
            weight *= 2
        assert torch.allclose(found, encoder(view))
