"""A contrastive training epoch on graphs beside torch-geometric's loader and layers: the same graphs, edits, encoder,
batch and loss.

A call is one epoch: two views of each graph with a fifth of its edges left out, GIN of three layers with the sums of
all of them, a head, NT-Xent, AdamW. Ours is a whole `contrapose.train`: its time is what the run itself says.
The peer's is the loop of its own examples, with its loader, `dropout_edge`, `GINConv` and `global_add_pool`, and the
loss in a few lines of torch. Graphs are made as large as those of NCI1: trees of 30 nodes with some rings, 37 tags.
"""

from __future__ import annotations

import tempfile
from typing import Any

import numpy as np

from peers.row import OURS, Arm, Call, Row, Settings, Target, time_of

TAGS, NODES, RINGS = 37, 30, 3


def graphs(settings: Settings) -> list[tuple[np.ndarray, np.ndarray]]:
    """Tags `(n,)` and edges `(2, e)` in both directions of each."""
    random = np.random.default_rng(0)
    return [_graph(random) for _ in range(settings["graphs"])]


def _graph(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    nodes = int(random.integers(NODES // 2, 3 * NODES // 2))
    tree = np.stack([np.arange(1, nodes), random.integers(0, np.arange(1, nodes))])  # (2, n - 1)
    rings = random.integers(0, nodes, (2, RINGS))
    edges = np.concatenate([tree, rings[:, rings[0] != rings[1]]], axis=1)
    edges = np.unique(np.sort(edges, axis=0), axis=1)  # none twice
    return random.integers(0, TAGS, nodes), np.concatenate([edges, edges[::-1]], axis=1)


def ours(settings: Settings) -> Call:
    import contrapose

    views = {"edit": "delete_edges", "share": settings["deleted"]}
    options = {"batch_size": settings["batch"], "views": views}

    def epoch(data: Any) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            run = contrapose.train(
                "simclr", data=data, modality="graph", out=f"{folder}/run", epochs=1, quiet=True, **options
            )
        made = 2 * settings["batch"] * run.outcome.steps
        return {"seconds": made / run.outcome.rate, "steps": run.outcome.steps}

    data = graphs(settings)
    epoch(data[: 2 * settings["batch"]])
    return lambda: epoch(data)


def of_torch_geometric(settings: Settings) -> Call:
    import torch
    from torch_geometric.data import Data
    from torch_geometric.loader import DataLoader
    from torch_geometric.utils import dropout_edge

    held = []
    for tags, edges in graphs(settings):
        x = torch.nn.functional.one_hot(torch.from_numpy(tags), TAGS).float()  # (n, F)
        held.append(Data(x=x, edge_index=torch.from_numpy(edges.copy())))
    loader = DataLoader(held, batch_size=settings["batch"], shuffle=True, drop_last=True)
    model = _network(settings)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)

    def epoch() -> dict[str, Any]:
        steps, loss = 0, torch.zeros(())
        for batch in loader:
            kept = [dropout_edge(batch.edge_index, settings["deleted"], force_undirected=True)[0] for _ in range(2)]
            z = torch.cat([model(batch.x, edges, batch.batch) for edges in kept])  # (2B, D)
            loss = _nt_xent(z)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            steps += 1
        return {"loss": float(loss.detach()), "steps": steps}

    epoch()
    return epoch


def _network(settings: Settings) -> Any:
    import torch
    from torch import nn
    from torch_geometric.nn import GINConv, global_add_pool

    width, layers = settings["width"], settings["layers"]

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolutions, self.norms = nn.ModuleList(), nn.ModuleList()
            for inputs in (TAGS, *[width] * (layers - 1)):
                maps = nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width))
                self.convolutions.append(GINConv(maps, train_eps=True))
                self.norms.append(nn.BatchNorm1d(width))
            out = width * layers
            self.head = nn.Sequential(nn.Linear(out, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, 128))

        def forward(self, x: Any, edges: Any, graph: Any) -> Any:
            sums = []
            for convolution, norm in zip(self.convolutions, self.norms, strict=True):
                x = norm(torch.relu(convolution(x, edges)))
                sums.append(global_add_pool(x, graph))
            return self.head(torch.cat(sums, dim=1))

    return Network().train()


def _nt_xent(z: Any, temperature: float = 0.5) -> Any:
    """Of two views below each other, as everybody writes it."""
    import torch
    from torch.nn import functional

    unit = functional.normalize(z, dim=1)
    similarity = unit @ unit.T / temperature  # (2B, 2B)
    similarity.fill_diagonal_(-torch.inf)
    partner = torch.arange(len(z)).roll(len(z) // 2)
    return functional.cross_entropy(similarity, partner)


ROWS = (
    Row(
        "gin_epoch",
        "GIN of 3 x 32, a contrastive epoch over 4,110 graphs of 30 nodes, batch of 128",
        {OURS: Arm(ours), "torch-geometric": Arm(of_torch_geometric)},
        {"graphs": 4110, "batch": 128, "width": 32, "layers": 3, "deleted": 0.2},
        {"graphs": 100, "batch": 16},
        (Target("of torch-geometric's time", time_of("torch-geometric"), at_most=1.0),),
        90.0,
        memory=False,
        tolerances={"steps": 0.0},
    ),
)
