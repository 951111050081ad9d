"""dsva on whatever may be a surrogate, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import contrapose
from contrapose.encoders import build, save_encoder
from contrapose.encoders.pairs import build_towers
from contrapose.encoders.perturbations import load_perturbation
from contrapose.encoders.texts import tokenizer_for
from contrapose.errors import ArgumentError, ContraposeError
from contrapose.training.run_folder import RunFolder

QUICK: dict[str, Any] = {"epochs": 2, "batch_size": 8, "width": 2, "blocks": 0, "quiet": True}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> str:
    place = tmp_path_factory.mktemp("pictures") / "pictures.npz"
    random = np.random.default_rng(0)
    np.savez(place, images=random.integers(0, 256, (24, 8, 8, 3), dtype=np.uint8), labels=np.arange(24) % 2)
    return str(place)


def test_a_run_with_labels_and_a_convolutional_network_are_surrogates_too(pictures: str, tmp_path: Path) -> None:
    labelled = tmp_path / "labelled"
    contrapose.train(
        "classifier", data=pictures, encoder="vit_micro", epochs=1, batch_size=8, out=str(labelled), quiet=True
    )
    save_encoder(build("small_conv", channels=3, image_size=8, widths=[4, 6, 8], seed=0), tmp_path / "conv")
    run = contrapose.attack(
        "dsva",
        labelled,
        base=str(tmp_path / "conv"),
        base_facet="token",
        data=pictures,
        out=str(tmp_path / "run"),
        **QUICK,
    )
    saved = load_perturbation(run.path)
    assert [victim.encoder for victim in saved.victims] == ["vit_micro", "small_conv"]
    own = RunFolder(labelled).read_record()["data"]["fingerprint"]
    assert saved.extra["learned_from"] == {"pictures": own, "surrogates": [own, None]}
    assert run.outcome.finished


def test_features_that_are_no_numbers_end_the_run(pictures: str, tmp_path: Path) -> None:
    encoder: Any = build("vit_micro", channels=3, image_size=8, patch_size=4, seed=0)
    with torch.no_grad():
        encoder.backbone.blocks[0].attention.project_in.weight.fill_(torch.nan)
    with pytest.raises(ContraposeError, match=r"finite|NaN|nan"):
        contrapose.attack("dsva", encoder, data=pictures, out=str(tmp_path / "run"), identity_steps=0, **QUICK)
    assert not (tmp_path / "run" / "perturbation").exists()


def test_two_towers_are_told_how_to_hand_over_one(pictures: str, tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    towers: Any = build_towers(
        "micro_conv", "bag_of_words", channels=3, image_size=8, tokenizer=tokenizer_for("bag_of_words", ["one word"])
    )
    save_encoder(towers, tmp_path / "towers")
    with pytest.raises(ArgumentError, match=r"dsva asks for one encoder of pictures, and .*towers holds two towers"):
        contrapose.attack("dsva", tmp_path / "towers", data=pictures, out=str(tmp_path / "run"), **QUICK)
    with pytest.raises(ArgumentError, match=r"in Python: base=contrapose\.load\("):  # where that is how it is given
        contrapose.train("classifier", base=tmp_path / "towers", data=pictures, out=str(tmp_path / "run"), quiet=True)
    one = contrapose.load(tmp_path / "towers").encoder.image  # type: ignore[union-attr]
    run = contrapose.attack("dsva", one, data=pictures, facet="token", out=str(tmp_path / "run"), **QUICK)
    assert load_perturbation(run.path).victims[0].encoder == "micro_conv"
