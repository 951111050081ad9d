from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from encoder_cases import draw, make
from hypothesis import given, settings
from hypothesis import strategies as st

from contrapose.encoders import ImageEncoder, architecture_of, load_encoder, save_encoder, untrained_like
from contrapose.encoders.mlp import MultilayerPerceptron
from contrapose.errors import ArgumentError, RunError

Edit = Callable[[dict[str, Any]], object]


def small(**more: Any) -> ImageEncoder:
    return make("small_conv", widths=[4, 6], pool=1, embedding=0, **more)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_encoder(small(), tmp_path / "encoder", extra={"step": 3})
    return tmp_path / "encoder"


def edit(folder: Path, change: Edit) -> None:
    path = folder / "encoder.json"
    description = json.loads(path.read_text())
    change(description)
    path.write_text(json.dumps(description))


def edit_weights(folder: Path, change: Edit) -> None:
    path = folder / "encoder.safetensors"
    state = safetensors.torch.load(path.read_bytes())
    change(state)
    path.write_bytes(safetensors.torch.save(state))


def test_the_description_is_readable_json(folder: Path) -> None:
    description = json.loads((folder / "encoder.json").read_text())
    version = description.pop("contrapose")
    assert isinstance(version, str)
    assert description == {
        "format": 2,
        "kind": "encoder",
        "encoder": "small_conv",
        "arguments": {"widths": [4, 6], "pool": 1, "embedding": 0},
        "form": {
            "modality": "image",
            "channels": 3,
            "image_size": 24,
            "preparation": {"integers": None, "floats": None, "fit": "crop"},
        },
        "dimension": 6,
        "extra": {"step": 3},
        "files": [],
    }
    architecture = architecture_of(str(folder))
    assert architecture.extra == {"step": 3}
    assert architecture.build(seed=0).dimension == architecture.dimension == 6
    assert sorted(path.name for path in folder.iterdir()) == ["encoder.json", "encoder.safetensors"]


def test_saving_again_replaces_and_a_crash_leaves_the_old(
    folder: Path, monkeypatch: pytest.MonkeyPatch, synced: list[int]
) -> None:
    other = small(seed=5)
    synced.clear()
    save_encoder(other, folder)
    assert len(synced) >= 2
    x = draw(2)
    assert torch.equal(load_encoder(folder)(x), other.eval()(x))

    def crash(handle: int) -> None:
        raise OSError("power cut")

    monkeypatch.setattr(os, "fsync", crash)
    with pytest.raises(RunError, match=r"Could not write .*power cut"):
        save_encoder(small(seed=6), folder)
    assert torch.equal(load_encoder(folder)(x), other(x))
    assert sorted(path.name for path in folder.iterdir()) == ["encoder.json", "encoder.safetensors"]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_precision_and_memory_layout(dtype: torch.dtype, tmp_path: Path) -> None:
    encoder = small().eval().to(dtype=dtype, memory_format=torch.channels_last)
    save_encoder(encoder, tmp_path)
    loaded = load_encoder(tmp_path)
    assert loaded.mean.dtype == dtype
    assert all(p.dtype == dtype for p in loaded.parameters())
    for key, tensor in encoder.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], tensor), key


@settings(max_examples=20, deadline=None)
@given(widths=st.lists(st.integers(1, 5), min_size=1, max_size=3), channels=st.integers(1, 4), norm=st.booleans())
def test_any_perceptron_comes_back(
    widths: list[int], channels: int, norm: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("encoder")
    encoder = make("mlp", channels=channels, image_size=2, widths=widths, norm=norm).eval()
    save_encoder(encoder, folder)
    x = draw(2, channels, 2)
    assert torch.equal(load_encoder(folder)(x), encoder(x))


def test_untrained_like_keeps_all_but_the_weights(folder: Path) -> None:
    edit_weights(folder, lambda state: state["mean"].fill_(0.25))
    trained = load_encoder(folder)
    expected = torch.rand(1, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    for source in (folder, str(folder), trained):
        first, again, other = (untrained_like(source, seed) for seed in (7, 7, 8))
        assert first.mean.tolist() == [0.25] * 3
        assert not first.training
        x = draw(2)
        assert torch.equal(first(x), again(x))
        assert not torch.equal(first(x), other(x))
        assert not torch.equal(first(x), trained(x))
    assert torch.equal(torch.rand(1), expected)
    assert (
        torch.equal(
            untrained_like(trained, 0)(x),
            small(
                seed=0,
            ).eval()(x),
        )
        is False
    )  # another mean
    assert untrained_like(trained.double(), 0).mean.dtype == torch.float64


def test_missing_files(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"no encoder in .*encoder\.json is missing"):
        load_encoder(tmp_path / "nowhere")
    (folder / "encoder.safetensors").unlink()
    with pytest.raises(RunError, match=r"encoder\.safetensors is missing"):
        load_encoder(folder)
    (folder / "encoder.safetensors").mkdir()
    with pytest.raises(RunError, match=r"encoder\.safetensors cannot be read: Is a directory"):
        load_encoder(folder)


@pytest.mark.parametrize("text", ["", "{", '{"format": 1', "\x00\xff", "[" * 100_000])
def test_damaged_json(folder: Path, text: str) -> None:
    (folder / "encoder.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(RunError, match="is damaged"):
        load_encoder(folder)


@pytest.mark.parametrize("text", ["[]", "3", "null", "{}", '{"format": true}', '{"format": "1"}', '{"format": 0}'])
def test_json_of_something_else(folder: Path, text: str) -> None:
    (folder / "encoder.json").write_text(text)
    with pytest.raises(RunError, match="states no format"):
        architecture_of(folder)


@pytest.mark.parametrize("key", ["contrapose", "encoder", "arguments", "form", "dimension", "extra", "files"])
def test_every_key_is_needed(folder: Path, key: str) -> None:
    edit(folder, lambda description: description.pop(key))
    with pytest.raises(RunError, match=f"has no usable '{key}'"):
        load_encoder(folder)


def test_the_first_format_is_read(folder: Path) -> None:
    x = draw(2)
    expected = load_encoder(folder)(x)

    def as_before(description: dict[str, Any]) -> None:
        form = description.pop("form")
        del form["modality"], description["files"], description["kind"]
        description.update(format=1, **form)

    edit(folder, as_before)
    assert torch.equal(load_encoder(folder)(x), expected)
    assert architecture_of(folder).form["channels"] == 3
    edit(folder, lambda description: description.pop("channels"))
    with pytest.raises(RunError, match="has no usable 'form'"):
        load_encoder(folder)


def test_a_newer_format(folder: Path) -> None:
    edit(folder, lambda description: description.update(format=3, contrapose="9.1", encoder=None))
    with pytest.raises(RunError, match=r"format 3, written by contrapose 9\.1; .* reads up to 2\. Update"):
        load_encoder(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"encoder": "resnet81"}, "Unknown encoder 'resnet81'. Did you mean 'resnet18'"),
        ({"encoder": "os.system"}, "Unknown encoder 'os.system'"),
        ({"arguments": {"widths": [4, 6], "pol": 1}}, "has no argument 'pol'"),
        ({"arguments": {"seed": 1}}, "cannot be built"),
        ({"arguments": {"widths": [10**9, 10**9]}}, "cannot be built"),
        ({"form": {"modality": "image", "channels": 0, "image_size": 24}}, "channels=0"),
        (
            {"form": {"modality": "smell"}},
            "kind 'smell', which nobody has registered here: import",
        ),
        ({"form": {}}, "its form names no modality"),
        ({"files": ["../secret"]}, "secret is missing"),
        (
            {"encoder": "hf:somebody/something", "arguments": {}},
            "without its config, which would have to be fetched",
        ),
        ({"dimension": 7}, "says dimension 7, and 'small_conv' with its arguments has 6"),
    ],
)
def test_descriptions_that_cannot_be_built(folder: Path, change: dict[str, Any], message: str) -> None:
    edit(folder, lambda description: description.update(change))
    with pytest.raises(RunError, match=message):
        load_encoder(folder)


def test_a_pickle_is_not_opened(folder: Path, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "sprung",)

    (folder / "encoder.safetensors").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(RunError, match="no safetensors file"):
        load_encoder(folder)
    torch.save(small().state_dict(), folder / "encoder.safetensors")
    with pytest.raises(RunError, match="no safetensors file"):
        load_encoder(folder)
    assert not (tmp_path / "sprung").exists()


@settings(max_examples=30, deadline=None)
@given(kept=st.floats(0, 0.999))
def test_truncated_weights(kept: float, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("encoder")
    save_encoder(small(), folder)
    path = folder / "encoder.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(RunError, match="is damaged or truncated"):
        load_encoder(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("mean"), "lacks tensor 'mean'"),
        (lambda state: state.update(more=torch.zeros(1)), "has an unknown tensor 'more'"),
        (
            lambda state: state.update(std=torch.ones(4)),
            r"'std' is \(4,\) torch.float32 and should be \(3,\)",
        ),
        (lambda state: state.update(std=torch.ones(3).long()), r"'std' is \(3,\) torch.int64 and should be"),
    ],
)
def test_weights_of_another_encoder(folder: Path, change: Edit, message: str) -> None:
    edit_weights(folder, change)
    with pytest.raises(RunError, match=f"does not belong to its encoder.json.*{message}"):
        load_encoder(folder)


def test_what_cannot_be_loaded_is_not_saved(tmp_path: Path) -> None:
    for extra in ({"data": object()}, {"loss": float("nan")}):
        with pytest.raises(ArgumentError, match="`extra` cannot be written as JSON"):
            save_encoder(small(), tmp_path / "encoder", extra=extra)
    own = ImageEncoder(MultilayerPerceptron(4, (2,), norm=True), name="mine", arguments={}, channels=1, image_size=2)
    with pytest.raises(ArgumentError, match="Unknown encoder 'mine'"):
        save_encoder(own, tmp_path / "encoder")
    assert not (tmp_path / "encoder").exists()
