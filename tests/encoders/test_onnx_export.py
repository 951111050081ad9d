"""The ONNX form of every encoder answers as torch does, and a wrong one is never handed out."""

from __future__ import annotations

import copy
import logging
import sys
import warnings
from typing import Any

import pytest
import torch
from encoder_cases import NAMES, draw, library, make
from jaxtyping import Float
from torch import Tensor, nn

from contrapose.encoders import ENCODERS, Encoder, ImageEncoder, build
from contrapose.encoders.backbone import Backbone
from contrapose.encoders.images.onnx_form import INPUT
from contrapose.encoders.onnx_export import OnnxModel, to_onnx
from contrapose.encoders.onnx_form import OUTPUT
from contrapose.errors import MissingExtraError, RunError


@pytest.fixture
def onnx() -> None:
    for name in ("onnx", "onnxscript", "onnxruntime"):
        library(name, "export")


def answers(model: OnnxModel, pictures: Tensor) -> Tensor:
    session = library("onnxruntime", "export").InferenceSession(model.content, providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run([OUTPUT], {INPUT: pictures.numpy()})[0])


def shallow(name: str) -> ImageEncoder:
    """The encoder with one block where it repeats alike ones: the same operations, in a tenth of the time."""
    encoder = make(name)
    backbone: Any = encoder.backbone
    if name.startswith("vit"):
        backbone.blocks = backbone.blocks[:1]
    elif name.startswith("resnet"):
        for stage in backbone.stages[1:]:
            del stage[1:]
    return encoder


@pytest.mark.usefixtures("onnx")
@pytest.mark.parametrize("name", NAMES)
def test_every_encoder_answers_as_torch_does_for_any_batch(name: str) -> None:
    encoder = shallow(name).train()
    state = copy.deepcopy(encoder.state_dict())
    model = to_onnx(encoder)
    assert encoder.training
    assert all(torch.equal(state[key], tensor) for key, tensor in encoder.state_dict().items())
    for batch in (1, 2, 5):
        raw = draw(batch, seed=batch)
        with torch.inference_mode():
            expected = encoder.eval()(raw)  # (b, D), from uint8
        torch.testing.assert_close(answers(model, raw / 255), expected, rtol=1e-4, atol=1e-4 * float(expected.max()))
    assert 0 <= model.difference < 1e-5 * model.scale


@pytest.mark.usefixtures("onnx")
def test_normalisation_size_and_channels_are_those_of_the_encoder() -> None:
    encoder = build("small_conv", channels=1, image_size=28, mean=0.2, std=0.05, seed=0).eval()
    model = to_onnx(encoder)
    raw = draw(3, channels=1, side=28)
    with torch.inference_mode():
        torch.testing.assert_close(answers(model, raw / 255), encoder(raw), rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("onnx")
def test_reduced_precision_is_exported_in_float32_and_the_file_says_what_it_takes() -> None:
    encoder = build("mlp", channels=3, image_size=4, widths=[8], seed=0).to(torch.bfloat16)
    model = to_onnx(encoder)
    assert encoder.mean.dtype == torch.bfloat16
    loaded = library("onnx", "export").load_from_string(model.content)
    told = {entry.key: entry.value for entry in loaded.metadata_props}
    assert told["input"] == "float32 (batch, 3, 4, 4) in [0, 1]"
    assert (told["modality"], told["encoder"]) == ("image", "mlp")
    assert loaded.graph.input[0].type.tensor_type.elem_type == 1  # float32
    library("onnx", "export").checker.check_model(loaded)


@pytest.mark.usefixtures("onnx")
def test_nothing_is_printed_and_nothing_global_is_moved(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    state, level, filters = torch.get_rng_state(), logging.getLogger("torch.onnx").level, list(warnings.filters)
    to_onnx(build("mlp", channels=3, image_size=4, widths=[8], seed=0))
    assert capfd.readouterr() == ("", "")
    assert torch.equal(state, torch.get_rng_state())
    assert logging.getLogger("torch.onnx").level == level
    assert list(warnings.filters) == filters


class _Fixed(Backbone):
    """Answers one thing while it is traced and another when it is asked again, or cannot be traced at all."""

    dimension = 4

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way, self.map = way, nn.Linear(3 * 4 * 4, 4)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D"]:
        z = self.map(x.flatten(1))  # (B, 4)
        if self.way == "differs" and torch.compiler.is_compiling():
            return z + 0.01
        if self.way == "nan":
            return z * torch.nan
        if self.way == "branches" and float(z.sum()) > 0:
            return -z
        return z


def fixed(way: str, monkeypatch: pytest.MonkeyPatch) -> ImageEncoder:
    monkeypatch.setitem(ENCODERS._entries, "fixed", lambda *, channels, image_size: _Fixed(way))
    return build("fixed", channels=3, image_size=4, seed=0)


@pytest.mark.usefixtures("onnx")
@pytest.mark.parametrize(
    ("way", "message"),
    [
        ("differs", "differs from torch by 0.01"),
        ("nan", "differs from torch by nan"),
        ("branches", "cannot convert encoder 'fixed' to ONNX"),
    ],
)
def test_what_cannot_be_converted_faithfully_is_refused(
    way: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RunError, match=message) as caught:
        to_onnx(fixed(way, monkeypatch))
    assert "--to folder" in str(caught.value)


@pytest.mark.usefixtures("onnx")
def test_a_file_that_onnxruntime_refuses_is_not_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise ValueError("unknown operator\nmore")

    monkeypatch.setattr(library("onnxruntime", "export"), "InferenceSession", refuse)
    with pytest.raises(RunError, match=r"onnxruntime cannot run .*\(unknown operator\)"):
        to_onnx(build("mlp", channels=3, image_size=4, widths=[8], seed=0))


@pytest.mark.usefixtures("onnx")
def test_more_than_an_onnx_file_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contrapose.encoders.onnx_export.LARGEST_FILE", 1000)
    with pytest.raises(RunError, match="at most 2 GB"):
        to_onnx(build("mlp", channels=3, image_size=4, widths=[8], seed=0))


class _Own(Encoder):
    """Of a kind that nobody has told how it is traced."""

    def __init__(self) -> None:
        super().__init__()
        self.name, self.map = "own", nn.Linear(2, 2)

    @property
    def form(self) -> dict[str, Any]:
        return {"modality": "own"}


@pytest.mark.usefixtures("onnx")
def test_a_kind_that_does_not_say_how_it_is_traced_is_refused() -> None:
    with pytest.raises(RunError, match="'own' of own data cannot become an ONNX file: _Own has no onnx_form"):
        to_onnx(_Own())


@pytest.mark.parametrize("module", ["onnx", "onnxscript", "onnxruntime"])
def test_without_the_extra(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("onnx", "onnxscript", "onnxruntime"):
        if name not in sys.modules:  # absent, or not imported yet: the one in question is refused all the same
            monkeypatch.setitem(sys.modules, name, type(sys)(name))
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf"{module} is needed .*contrapose\[export\]"):
        to_onnx(build("mlp", channels=3, image_size=4, widths=[8], seed=0))
