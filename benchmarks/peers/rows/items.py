"""A training epoch of SASRec beside RecBole's: the same histories, sizes, batch and full softmax.

A call is one epoch over all prefixes, and its time that of the epoch's steps. Ours is a whole `contrapose.train`: its
time is what the run itself says. RecBole's is the epoch of its own trainer and loader, after one epoch as warm-up.
Items are drawn by Zipf's law, as often as in the sets of reviews that are usual, and so many a user.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from peers.row import OURS, Arm, Call, Row, Settings, Target, time_of

OLD_NAMES = {"float_": np.float64, "complex_": np.complex128, "unicode_": np.str_, "bool8": np.bool_}
"""Of numpy 1, by which RecBole 1.2 asks for types."""


def histories(settings: Settings) -> list[np.ndarray]:
    """Numbers of items from 1, each `(T,)`."""
    random = np.random.default_rng(0)
    lengths = 5 + random.geometric(1 / (settings["mean_length"] - 4), settings["users"]) - 1  # 5-core
    return [1 + random.zipf(1.3, length) % settings["items"] for length in lengths.clip(max=settings["longest"])]


def ours(settings: Settings) -> Call:
    import contrapose

    sizes = {name: settings[name] for name in ("blocks", "heads", "dropout")}
    batch, width, longest = settings["batch"], settings["width"], settings["longest"]
    options = {**sizes, "dimension": width, "max_length": longest, "batch_size": batch}

    def epoch(data: Any) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            run = contrapose.train(
                "sasrec", data=data, modality="items", out=f"{folder}/run", epochs=1, quiet=True, **options
            )
        rows = batch * run.outcome.steps
        return {"seconds": rows / run.outcome.rate, "steps": run.outcome.steps}

    data = histories(settings)
    epoch(data[: len(data) // 10])
    return lambda: epoch(data)


def of_recbole(settings: Settings) -> Call:
    for name, kind in OLD_NAMES.items():
        if not hasattr(np, name):
            setattr(np, name, kind)
    from recbole.config import Config
    from recbole.data import create_dataset, data_preparation
    from recbole.model.sequential_recommender import SASRec
    from recbole.trainer import Trainer
    from recbole.utils import init_seed

    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.chdir(folder)  # its trainer writes folders of its own to where it is
    _write_atomic_file(Path(folder) / "made", histories(settings))
    config = Config(model="SASRec", dataset="made", config_dict=_config(settings, folder))
    init_seed(0, True)
    data = create_dataset(config)
    loader, _, _ = data_preparation(config, data)
    trainer = Trainer(config, SASRec(config, loader.dataset))

    def epoch() -> dict[str, Any]:
        trainer._train_epoch(loader, 0, show_progress=False)
        return {"steps": len(loader.dataset) // settings["batch"]}  # its last batch is a smaller one

    epoch()
    return epoch


def _write_atomic_file(folder: Path, sequences: list[np.ndarray]) -> None:
    """The form that RecBole reads: a row for each action."""
    folder.mkdir()
    rows = [f"u{user}\ti{item}\t{time}" for user, one in enumerate(sequences) for time, item in enumerate(one)]
    head = "user_id:token\titem_id:token\ttimestamp:float"
    (folder / f"{folder.name}.inter").write_text("\n".join([head, *rows]) + "\n")


def _config(settings: Settings, folder: str) -> dict[str, Any]:
    return {
        "data_path": folder,
        "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
        "USER_ID_FIELD": "user_id",
        "ITEM_ID_FIELD": "item_id",
        "TIME_FIELD": "timestamp",
        "MAX_ITEM_LIST_LENGTH": settings["longest"],
        "n_layers": settings["blocks"],
        "n_heads": settings["heads"],
        "hidden_size": settings["width"],
        "inner_size": 4 * settings["width"],
        "hidden_dropout_prob": settings["dropout"],
        "attn_dropout_prob": settings["dropout"],
        "loss_type": "CE",
        "train_neg_sample_args": None,
        "train_batch_size": settings["batch"],
        "eval_args": {"split": {"LS": "valid_and_test"}, "order": "TO", "mode": "full"},
        "device": "cpu",
        "show_progress": False,
        "state": "ERROR",
    }


ROWS = (
    Row(
        "sasrec_epoch",
        "SASRec, an epoch over all prefixes of 2,000 histories of 9 items, 3,000 items, batch of 256, full softmax",
        {OURS: Arm(ours), "RecBole": Arm(of_recbole)},
        {
            "users": 2000,
            "items": 3000,
            "mean_length": 9,
            "longest": 50,
            "batch": 256,
            "width": 64,
            "blocks": 2,
            "heads": 2,
            "dropout": 0.5,
        },
        {"users": 200, "items": 100, "batch": 64, "width": 16},
        (Target("of RecBole's time", time_of("RecBole"), at_most=1.0),),
        120.0,
        memory=False,
        patience=200.0,
        tolerances={"steps": 0.0},
    ),
)
