from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from contrapose.encoders import ENCODERS, Backbone, build
from contrapose.encoders.images.factory import factory_of
from contrapose.errors import ArgumentError


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("resnet81", "Did you mean 'resnet18'"),
        ("smallconv", "Did you mean 'small_conv'"),
        ("tim:NAME", "Did you mean 'timm:NAME'"),
        ("zzz", "Known: dense_conv, hf:NAME, micro_conv, mlp"),
    ],
)
def test_bad_names_suggest_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(ArgumentError, match=f"Unknown encoder '{name}'.*{hint}"):
        build(name, channels=3, image_size=32)


def test_unknown_arguments_are_named_with_the_known() -> None:
    with pytest.raises(ArgumentError, match=r"'mlp' has no argument 'width'. Did you mean 'widths'\? .*widths, norm"):
        build("mlp", channels=3, image_size=4, width=[3])
    with pytest.raises(ArgumentError, match=r"'mlp' has no argument 'qqq'. Known: norm, widths\."):
        build("mlp", channels=3, image_size=4, qqq=1)


@pytest.mark.parametrize("key", ["channels", "image_size"])
@pytest.mark.parametrize("value", [0, -1, 2.5, "3", None, True])
def test_sizes_are_counts(key: str, value: object) -> None:
    sizes: dict[str, object] = {"channels": 3, "image_size": 32, key: value}
    with pytest.raises(ArgumentError, match=f"{key}="):
        build("small_conv", **sizes)


def test_arguments_must_be_json() -> None:
    for value in (object(), float("nan"), torch.zeros(2)):
        with pytest.raises(ArgumentError, match=r"must fit into encoder\.json"):
            build("small_conv", channels=3, image_size=32, widths=value)
    encoder = build("small_conv", channels=3, image_size=32, widths=(4, 4))
    assert encoder.arguments == {"widths": [4, 4]}  # as it will be read back


@pytest.mark.parametrize("seed", [-1, 0.5, "a"])
def test_bad_seeds(seed: object) -> None:
    before = torch.get_rng_state()
    with pytest.raises(ArgumentError, match="seed="):
        build("mlp", channels=1, image_size=2, seed=seed)
    assert torch.equal(before, torch.get_rng_state())


def test_weights_are_drawn_where_the_seed_counts() -> None:
    with torch.device("meta"):
        encoder = build("mlp", channels=1, image_size=2, widths=[2], seed=0)
    assert {parameter.device.type for parameter in encoder.parameters()} == {"cpu"}


def test_a_registered_backbone_is_built_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    class Mean(Backbone):
        statistics = ((0.1, 0.2, 0.3), (1.0, 2.0, 3.0))
        dimension = 3

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.mean((2, 3))

    monkeypatch.setitem(ENCODERS._entries, "mean", lambda *, channels, image_size: Mean())
    encoder = build("mean", channels=3, image_size=8)
    torch.testing.assert_close(encoder.mean, torch.tensor([0.1, 0.2, 0.3]))
    torch.testing.assert_close(encoder(torch.full((1, 3, 8, 8), 0.5)), torch.tensor([[0.4, 0.15, 0.2 / 3]]))
    grey = build("mean", channels=1, image_size=8)  # statistics of other channels are averaged
    torch.testing.assert_close([grey.mean.item(), grey.std.item()], [0.2, 2.0])
    own = build("mean", channels=3, image_size=8, mean=0.0, std=1.0)
    assert own.mean.tolist() == [0, 0, 0]
    assert factory_of("mean") is ENCODERS["mean"]


def test_importing_the_room_imports_no_extras() -> None:
    code = (
        "import sys, contrapose.encoders; "
        "print([m for m in ('timm', 'transformers', 'torchvision', 'sklearn', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "[]"
