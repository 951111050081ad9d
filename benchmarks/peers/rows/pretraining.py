"""SimCLR pretraining beside lightly's transforms and loss with two workers: the same encoder and head, the same batch.

A call is one epoch, and its time that of the epoch's steps. Ours is a whole `contrapose.train`: its time is what the
run itself says, from the first step to the last checkpoint. lightly's is the loop of its SimCLR example: a data loader
with two workers and its SimCLR transform, two passes through the network, its NTXentLoss, AdamW. "lightly, channels
last" gives that loop our memory layout as well, which its example does not have. "encoder alone" is forward and
backward of encoder and head on views made beforehand, as many times as there are steps: what is left is all else.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from typing import Any

from peers.lightly_import import lightly
from peers.row import OURS, Arm, Call, Row, Settings, Target, derived, times_faster
from peers.rows.pictures import lightly_transform, pictures

ENCODER, LAYOUT = "encoder alone", "lightly, channels last"
WORKERS = 2


def raw_pictures(settings: Settings) -> Any:
    return pictures({**settings, "batch": settings["batch"] * settings["steps"]})


def options(settings: Settings) -> dict[str, Any]:
    return {"batch_size": settings["batch"], "encoder": settings["encoder"], "epochs": 1}


def ours(settings: Settings) -> Call:
    import contrapose
    from contrapose.data import Images

    raw = raw_pictures(settings).numpy()

    def epoch(data: Any) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            run = contrapose.train("simclr", data=data, out=f"{folder}/run", quiet=True, **options(settings))
        views = 2 * settings["batch"] * run.outcome.steps
        return {"seconds": views / run.outcome.rate, "loss": run.outcome.loss, "steps": run.outcome.steps}

    epoch(Images(raw[: settings["batch"]]))
    return lambda: epoch(Images(raw))


def network(settings: Settings) -> tuple[Any, Any]:
    """Encoder and head as our run begins with them, and the views that it would make."""
    from contrapose.data import Images
    from contrapose.methods import METHODS
    from contrapose.methods.assemble import assemble

    samples = Images(raw_pictures(settings).numpy()[: settings["batch"]])
    learner, views = assemble(METHODS["simclr"](**options(settings)), samples)
    return learner, lambda generator: views(samples.batch(range(len(samples))), generator=generator)


def encoder_alone(settings: Settings) -> Call:
    import torch

    from contrapose.data import derived_generator
    from contrapose.learners.embed_views import embed_views
    from contrapose.training.allocator import freed_memory_kept

    learner, make = network(settings)
    learner.to(memory_format=torch.channels_last).train()
    views = make(derived_generator(0))

    def step() -> None:
        z = embed_views(lambda x: learner.head(learner.encoder(x)), views)  # (V, B, D)
        z.backward(torch.ones_like(z))
        learner.zero_grad(set_to_none=True)

    step()

    def epoch() -> None:
        with freed_memory_kept():
            for _ in range(settings["steps"]):
                step()

    return epoch


def of_lightly(*, channels_last: bool) -> Callable[[Settings], Call]:
    def prepare(settings: Settings) -> Call:
        import torch  # before contrapose, which would set how its threads wait: that is ours, not of this loop
        from PIL import Image

        transform, loss_of = lightly_transform(settings), lightly("loss").NTXentLoss(temperature=0.2)
        learner, _ = network(settings)
        model = torch.nn.Sequential(learner.encoder, learner.head).train()
        layout = torch.channels_last if channels_last else torch.contiguous_format
        model.to(memory_format=layout)
        optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-2)
        raw = raw_pictures(settings).permute(0, 2, 3, 1).contiguous().numpy()
        data = TwoViews([Image.fromarray(one) for one in raw], transform)
        loader = torch.utils.data.DataLoader(
            data,
            batch_size=settings["batch"],
            shuffle=True,
            drop_last=True,
            num_workers=WORKERS,
            persistent_workers=True,
        )

        def epoch() -> dict[str, Any]:
            steps, loss = 0, torch.zeros(())
            for first, second in loader:
                views = [view.contiguous(memory_format=layout) for view in (first, second)]
                loss = loss_of(model(views[0]), model(views[1]))
                loss.backward()
                optimizer.step()
                optimizer.zero_grad()
                steps += 1
            return {"loss": float(loss.detach()), "steps": steps}

        epoch()  # starts the workers
        return epoch

    return prepare


class TwoViews:
    """Pictures, and two views of each when it is asked for; the workers hold it."""

    def __init__(self, raw: list[Any], transform: Callable[[Any], Any]) -> None:
        self.raw, self.transform = raw, transform

    def __len__(self) -> int:
        return len(self.raw)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self.transform(self.raw[index]), self.transform(self.raw[index])


def shares(record: Mapping[str, Any]) -> dict[str, float]:
    """Of our step, what is not the encoder; and views a second of each arm."""
    seconds = {name: arm["seconds"] for name, arm in record["arms"].items() if "seconds" in arm}
    views = 2 * record["settings"]["batch"] * record["settings"]["steps"]
    found = {f"views a second, {name}": views / spent for name, spent in seconds.items()}
    if OURS in seconds and ENCODER in seconds:
        found["share of all but the encoder"] = 1 - seconds[ENCODER] / seconds[OURS]
    return found


ROWS = (
    Row(
        "pretraining",
        "SimCLR pretraining, pictures of 32 x 32, batch of 256, two workers for lightly",
        {
            OURS: Arm(ours),
            "lightly": Arm(of_lightly(channels_last=False)),
            LAYOUT: Arm(of_lightly(channels_last=True)),
            ENCODER: Arm(encoder_alone, beside=False),
        },
        {"side": 32, "batch": 256, "steps": 8, "encoder": "tiny_conv"},
        {"batch": 16, "steps": 2},
        (
            Target("times as fast as lightly", times_faster("lightly"), at_least=2.5),
            Target("times as fast as lightly, channels last", times_faster(LAYOUT), at_least=2.5),
            Target("share of all but the encoder", derived("share of all but the encoder"), at_most=0.1),
        ),
        80.0,
        memory=False,
        threads=None,
        tolerances={"steps": 0.0},
        derive=shares,
    ),
)
