"""The configuration that every run shares. No torch here: the command line reads it before anything heavy is loaded."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from contrapose.errors import ArgumentError
from contrapose.options import Options

OPTIMIZERS = ("adamw", "sgd", "lars")
SCHEDULES = ("cosine", "one_cycle", "constant")
TRACKERS = ("none", "tensorboard", "wandb", "mlflow")


@dataclass(frozen=True, kw_only=True)
class RunConfig(Options):
    """What to train on, for how long, with which optimiser, where to write: the same for every method and every kind of
    data. How data are read, varied and encoded is their kind's (see `contrapose.modalities`)."""

    start_option: ClassVar[str] = "--init"
    """How a user names the weights that a run starts from."""

    data: str = ""
    """What to learn from, to be named for every run: a folder, .npz, .npy, .parquet, .csv, .jsonl, .txt, .py, hub:NAME;
    omniglot, the characters that come with the package; python-docs and python-functions, Python's own library."""
    label_column: str | None = None
    """Column of a table, or array of an .npz, with the labels. Default: one with a usual name (label, class, ...)."""
    number_column: str | None = None
    """Column of a table, or array of an .npz, with the number of each sample that methods of regression learn from."""
    labels: Literal["auto", "none"] = "auto"
    """none: read no labels, whatever the data have."""
    limit: int | None = None
    """Use so many samples only, evenly spaced over the data."""
    out: str | None = None
    """The run folder to write. Default: runs/METHOD-DATA, with a number when that exists."""
    init: str | None = None
    """Trained weights to start from: a run, an encoder's folder, hf:NAME or timm:NAME, a local folder of transformers.
    They bring their encoder along, with what was fitted to their data (picture size, normalisation, vocabulary).
    Default: new weights."""
    epochs: int = 20
    """Passes over the data. [design] 20: minutes on two cores; papers train 100 to 1000."""
    batch_size: int = 128
    """Samples per process and step. [design] 128; the MMCL paper takes 128 to 256."""
    accumulate: int = 1
    """Batches per optimiser step. Saves memory; adds no negatives."""
    micro_batch: int | None = None
    """Views that go through an encoder at a time. The loss still sees the whole batch, all its negatives, in the memory
    of so few; each of them goes through the encoder twice (gradient caching). Default: all at once."""
    optimizer: Literal["adamw", "sgd", "lars"] = "adamw"
    """AdamW for small encoders; SGD (MoCo) or LARS (SimCLR, MMCL on ImageNet) for large batches."""
    learning_rate: float = 2e-3
    """Peak learning rate. [design] for AdamW; 0.004 did two points better on the embedded images at batch 64."""
    weight_decay: float = 1e-2
    """Decoupled for AdamW (its default in torch is 0.01); biases and norms are never decayed."""
    schedule: Literal["cosine", "one_cycle", "constant"] = "cosine"
    """Cosine to zero after a linear warm-up (SimCLR), one cycle (Smith 2018), or constant after the warm-up."""
    warmup_share: float = 0.1
    """Share of all steps spent warming up. SimCLR and MMCL: 10 %."""
    gradient_clip: float = 0.0
    """Largest gradient norm; 0 = no clipping."""
    sam_radius: float = 0.0
    """Sharpness-aware steps: how far uphill the gradient is looked at, in units of the weights; every step then costs
    two passes. 0 = off; 0.05 in the SAM paper, more for transformers on much data."""
    sam_adaptive: bool = False
    """Measure that way relative to each weight (ASAM), with a radius about ten times larger."""
    seed: int = 0
    """A run is a function of (configuration, seed, data)."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to train; auto takes a GPU when there is one."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Arithmetic of the encoder; auto takes bfloat16 where the hardware multiplies it fast. Losses are always
    float32."""
    shard_encoder: bool = False
    """On several processes, keep a share of the encoder's weights in each (fully sharded data parallel), for encoders
    that do not fit on one device. Layers are sent for as they compute, so small encoders become slower."""
    checkpoint_minutes: float = 5.0
    """Longest time between two checkpoints; there is one after every epoch and at the end as well."""
    checkpoint_steps: int = 0
    """Also checkpoint every so many steps; 0 = by time and epoch alone."""
    profile: bool = False
    """At the end say where the time of a step went (data, views, forward, objective, backward, optimizer, other), and
    keep it as profile.json."""
    log_steps: int = 10
    """Steps between two lines of metrics.jsonl."""
    tracker: Literal["none", "tensorboard", "wandb", "mlflow"] = "none"
    """Also send the metrics there; metrics.jsonl is always written."""

    if TYPE_CHECKING:
        encoder: str = ""  # of the options of a kind of data, which know its default

    def __post_init__(self) -> None:
        super().__post_init__()
        positive = ("epochs", "batch_size", "accumulate", "log_steps", "learning_rate", "checkpoint_minutes")
        for name in positive:
            self._check(name, getattr(self, name) > 0, "above 0")
        for name in ("weight_decay", "gradient_clip", "sam_radius", "checkpoint_steps", "seed"):
            self._check(name, getattr(self, name) >= 0, "0 or more")
        for name in ("limit", "micro_batch"):
            self._check(name, getattr(self, name) is None or getattr(self, name) > 0, "above 0")
        self._check("warmup_share", 0.0 <= self.warmup_share < 1.0, "in [0, 1)")
        if not isinstance(self.labels, str):
            raise ArgumentError(
                "labels says whether labels are read, 'auto' or 'none'. Labels of your own come with the data: "
                '{"text": texts, "label": labels}, or contrapose.data.open_data(pictures, labels=labels).'
            )
        choices = {
            "labels": ("auto", "none"),
            "optimizer": OPTIMIZERS,
            "schedule": SCHEDULES,
            "tracker": TRACKERS,
            "device": ("auto", "cpu", "cuda", "mps"),
            "precision": ("auto", "float32", "bfloat16"),
        }
        for name, known in choices.items():
            self._check_choice(name, known)

    def differences(self) -> dict[str, object]:
        """The options that differ from their defaults, those of views as `views.NAME`: what a run's header shows."""
        return _differences(self, type(self)())


def _differences(given: Any, usual: Any) -> dict[str, object]:
    """Fields of two dataclasses of one kind that differ; of a field that is one itself, what differs inside it."""
    found: dict[str, object] = {}
    for name in (field.name for field in fields(given)):
        value, default = getattr(given, name), getattr(usual, name)
        if is_dataclass(value) and type(value) is type(default):
            found |= {f"{name}.{inner}": changed for inner, changed in _differences(value, default).items()}
        elif value != default:
            found[name] = value
    return found
