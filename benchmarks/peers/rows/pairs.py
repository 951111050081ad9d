"""Pictures with words: CLIP's loss and SigLIP's beside open_clip's, and a training step of the same two towers.

The losses are given the same float32 embeddings, normalise them themselves, and answer with their gradients with
respect to the rows of both sides, the logarithm of the scale, and the bias. A step is measured among `steps` in a row:
ours are `train_in_memory`'s, which draws the samples and makes their views anew in each of them; the peers' are plain
loops of the same modules from the same first weights, with the same optimiser, on a batch that was made before the
clock starts. The batch is the whole data set, so that the order in which ours draws it changes no loss, and the losses
of all steps are compared. "towers alone" is such a loop with no loss at all.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from peers.lightly_import import declare_operators
from peers.row import OURS, Arm, Call, Row, Settings, Target, time_of

OPEN_CLIP, ALONE, TRANSFORMERS = "open_clip", "towers alone", "transformers"
AS_ASKED = 1e-5
LOSSES = {"loss": AS_ASKED, "gradient": AS_ASKED, "scale": AS_ASKED, "bias": AS_ASKED}
SMALL, SIDE = 16, 16
FIRST = {"clip": (math.log(1 / 0.07), None), "siglip": (math.log(10.0), -10.0)}
"""Logarithm of the scale, and bias, that are begun with."""


def open_clip() -> Any:
    """The package. It imports torchvision, which asks for operators that were not compiled for this torch."""
    declare_operators()
    import open_clip

    return open_clip


def sides(pairs: int, dimensions: int) -> Any:
    """`(2, B, D)`, both sides of a pair alike."""
    import torch

    generator = torch.Generator().manual_seed(pairs)
    base = torch.randn(1, pairs, dimensions, generator=generator)
    return base + torch.randn(2, pairs, dimensions, generator=generator)  # (2, B, D)


def gradients_of(name: str, loss: Callable[[Any, Any, Any], Any], settings: Settings) -> Call:
    """Forward and backward of `loss(z, log_scale, bias)`."""
    import torch

    def call(z: Any) -> dict[str, Any]:
        log_scale, bias = (None if one is None else torch.tensor(one, requires_grad=True) for one in FIRST[name])
        value = loss(z, log_scale, bias)
        asked = [one for one in (z, log_scale, bias) if one is not None]
        found = torch.autograd.grad(value, asked)
        names = ("gradient", "scale", "bias")[: len(asked)]
        return {"loss": value.detach().numpy(), **{n: g.numpy() for n, g in zip(names, found, strict=True)}}

    call(sides(SMALL, settings["dimensions"]).requires_grad_())
    z = sides(settings["pairs"], settings["dimensions"]).requires_grad_()  # (2, B, D)
    return lambda: call(z)


def our_loss(name: str) -> Callable[[Settings], Call]:
    def prepare(settings: Settings) -> Call:
        from contrapose import objectives

        function = getattr(objectives, name)

        def loss(z: Any, log_scale: Any, bias: Any) -> Any:
            more = {} if bias is None else {"bias": bias}
            return function(z[0], z[1], temperature=1 / log_scale.exp(), **more)

        return gradients_of(name, loss, settings)

    return prepare


def loss_of_open_clip(name: str) -> Callable[[Settings], Call]:
    def prepare(settings: Settings) -> Call:
        from torch.nn import functional

        package = open_clip()
        function = package.loss.ClipLoss() if name == "clip" else package.loss.SigLipLoss()

        def loss(z: Any, log_scale: Any, bias: Any) -> Any:
            first, second = functional.normalize(z, dim=-1)  # (B, D) each, as its models return them
            return function(first, second, log_scale.exp(), *(() if bias is None else (bias,)))

        return gradients_of(name, loss, settings)

    return prepare


def parts(settings: Settings) -> tuple[Any, Any, Any, Callable[..., Any]]:
    """Configuration, pairs, learner and views; the same first weights for all arms."""
    from contrapose.data.pairs import open_pairs
    from contrapose.methods import METHODS
    from contrapose.methods.assemble import assemble
    from contrapose.training.config_file import from_dictionary

    samples = open_pairs(f"made:scenes?count={settings['batch']}&captions=1")  # of SIDE x SIDE
    own = {name: settings[name] for name in ("encoder", "text_encoder") if name in settings}
    if "layers" in settings:
        folder = tempfile.TemporaryDirectory()
        own = {"encoder": f"hf:{write_model(Path(folder.name), settings)}", "max_length": settings["tokens"]}
    how = {
        "batch_size": settings["batch"],
        "epochs": settings["steps"],
        "schedule": "constant",
        "warmup_share": 0.0,
        "gradient_clip": 0.0,
        "learning_rate": settings["learning_rate"],
        "views": {"weak_crop_min": 1.0},  # the whole picture: every step sees the same
    }
    config = from_dictionary(METHODS["clip"].on("pairs"), {**how, **own})
    learner, views = assemble(config, samples)
    return config, samples, learner, views


def our_steps(settings: Settings) -> Call:
    from contrapose.training.in_memory import train_in_memory

    train_in_memory(*_in_order(parts({**settings, "batch": SMALL, "steps": 1})))
    given = _in_order(parts(settings))
    return lambda: {"losses": train_in_memory(*given)}


def _in_order(found: tuple[Any, Any, Any, Any]) -> tuple[Any, Any, Any, Any]:
    config, samples, learner, views = found
    return learner, samples, views, config


def plain_loop(loss_of: Callable[[Any], Callable[[Any], Any]]) -> Callable[[Settings], Call]:
    """As open_clip's own: forward, loss, backward, optimiser, the scale brought back.

    Arguments:
        loss_of: towers -> (view -> loss).
    """

    def prepare(settings: Settings) -> Call:
        _looped(loss_of, {**settings, "batch": SMALL, "steps": 1})()
        return _looped(loss_of, settings)

    return prepare


def _looped(loss_of: Callable[[Any], Callable[[Any], Any]], settings: Settings) -> Call:
    import torch

    from contrapose.data import derived_generator
    from contrapose.training.turns import optimizers_of

    config, samples, learner, views = parts(settings)
    learner.train()
    towers, loss = learner.encoder, loss_of(learner.encoder)
    (optimizer,) = optimizers_of(config, learner).values()  # torch's AdamW, in the groups that ours has
    (view,) = views(samples.batch(range(len(samples))), generator=derived_generator(0))

    def steps() -> dict[str, Any]:
        found = []
        for _ in range(settings["steps"]):
            optimizer.zero_grad()
            value = loss(view)
            value.backward()
            optimizer.step()
            with torch.no_grad():
                towers.log_scales.clamp_(0, math.log(100))
            found.append(float(value.detach()))
        return {} if loss_of is by_nothing else {"losses": found}

    return steps


def by_open_clip(towers: Any) -> Callable[[Any], Any]:
    from torch.nn import functional

    function = open_clip().ClipLoss()

    def loss(view: Any) -> Any:
        features = towers.projected(towers.features(view, dropout=False), 0)
        first, second = (functional.normalize(side, dim=-1) for side in features)  # (B, D) each
        return function(first, second, towers.log_scales[0].exp())

    return loss


def by_transformers(towers: Any) -> Callable[[Any], Any]:
    """What its CLIPModel makes of the towers, which are those of such a model."""
    import transformers

    image, text = towers.image.backbone, towers.text.backbone
    model = transformers.CLIPModel(transformers.CLIPConfig.from_dict(dict(towers.arguments["config"]))).train()
    model.vision_model, model.visual_projection = image.tower, image.projection
    model.text_model, model.text_projection = text.tower, text.projection
    del model.logit_scale  # the learned one is that of the towers

    def loss(view: Any) -> Any:
        model.__dict__["logit_scale"] = towers.log_scales[0]
        words = {"input_ids": view.second.values, "attention_mask": view.second.mask.long()}
        return model(pixel_values=towers.image.normalize(view.first), **words, return_loss=True).loss

    return loss


def by_nothing(towers: Any) -> Callable[[Any], Any]:
    def loss(view: Any) -> Any:
        first, second = towers.projected(towers.features(view, dropout=False), 0)
        return first.mean() + second.mean() + towers.log_scales.sum()

    return loss


def write_model(folder: Path, settings: Settings) -> Path:
    """A CLIP of transformers with a vocabulary of the captions, as its hub keeps one; no weights."""
    import transformers

    from contrapose.data.pairs import open_pairs
    from contrapose.encoders.texts import tokenizer_for

    captions = list(open_pairs("made:scenes?count=512").every_text)
    tokenizer = tokenizer_for("transformer", captions, max_length=settings["tokens"])
    sizes = {"hidden_size": settings["width"], "intermediate_size": 4 * settings["width"]}
    sizes |= {"num_hidden_layers": settings["layers"], "num_attention_heads": 4, "attention_dropout": 0.0}
    words = {**sizes, "vocab_size": tokenizer.size, "max_position_embeddings": settings["tokens"]}
    words |= {"pad_token_id": tokenizer.pad, "bos_token_id": 2, "eos_token_id": 2}  # pooled where the id is largest
    vision = {**sizes, "image_size": SIDE, "patch_size": 2}
    config = transformers.CLIPConfig(text_config=words, vision_config=vision, projection_dim=settings["width"])
    config.save_pretrained(folder)
    (folder / "tokenizer.json").write_bytes(tokenizer.to_json())
    named = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "[PAD]", "unk_token": "[UNK]"}
    (folder / "tokenizer_config.json").write_text(json.dumps(named))
    return folder


def overhead(record: Mapping[str, Any]) -> dict[str, float]:
    """Of our step, what is not the towers and the optimiser."""
    seconds = {name: arm["seconds"] for name, arm in record["arms"].items() if "seconds" in arm}
    if OURS not in seconds or ALONE not in seconds:
        return {}
    return {"share of all but the towers": 1 - seconds[ALONE] / seconds[OURS]}


def loss_row(name: str, figure: str, pairs: int) -> Row:
    arms = {OURS: Arm(our_loss(name)), OPEN_CLIP: Arm(loss_of_open_clip(name))}
    return Row(
        f"{name}_{pairs}",
        f"{figure}, forward and backward, {pairs:,} pairs of 256 dimensions",
        arms,
        {"pairs": pairs, "dimensions": 256, "dtype": "float32"},
        {"pairs": 48},
        (Target("time of open_clip", time_of(OPEN_CLIP), at_most=1.0),),
        12.0,
        tolerances=LOSSES,
    )


ROWS = (
    loss_row("clip", "clip", 1024),
    loss_row("siglip", "siglip", 1024),
    Row(
        "clip_step",
        "CLIP, 4 training steps of a small_conv and a transformer, batch of 128",
        {
            OURS: Arm(our_steps),
            OPEN_CLIP: Arm(plain_loop(by_open_clip)),
            ALONE: Arm(plain_loop(by_nothing), beside=False),
        },
        {"batch": 128, "steps": 4, "encoder": "small_conv", "text_encoder": "transformer", "learning_rate": 1e-4},
        {"batch": 32, "steps": 2, "encoder": "micro_conv", "text_encoder": "bag_of_words"},
        (Target("time of open_clip's loop, its batch made beforehand", time_of(OPEN_CLIP), at_most=1.0),),
        60.0,
        memory=False,
        tolerances={"losses": 1e-4},
        derive=overhead,
    ),
    Row(
        "clip_step_transformers",
        "CLIP, 4 training steps of a small CLIPModel of transformers, two layers of 128, batch of 64",
        {OURS: Arm(our_steps), TRANSFORMERS: Arm(plain_loop(by_transformers))},
        {"batch": 64, "steps": 4, "layers": 2, "width": 128, "tokens": 16, "learning_rate": 1e-4},
        {"batch": 32, "steps": 2, "layers": 1, "width": 16},
        (Target("time of CLIPModel's loop, its batch made beforehand", time_of(TRANSFORMERS), at_most=1.0),),
        60.0,
        memory=False,
        tolerances={"losses": 1e-4},
    ),
)
