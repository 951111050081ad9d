"""Two towers: one space, one folder; of a CLIP-like model of transformers, too."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from contrapose.classifier import load_classifier
from contrapose.data.pairs import open_pairs
from contrapose.embedder import Embedder, load
from contrapose.encoders import (
    Towers,
    build,
    build_towers,
    load_encoder,
    read_layers,
    save_encoder,
    untrained_like,
)
from contrapose.encoders.pairs import clip_model
from contrapose.encoders.texts import tokenizer_for
from contrapose.errors import ArgumentError, RunError
from contrapose.paired import Paired

pytest.importorskip("tokenizers")
SCENES = "made:scenes?count=12"


def small(**changes: Any) -> Towers:
    pairs = open_pairs(SCENES)
    tokenizer = tokenizer_for("bag_of_words", list(pairs.every_text), max_length=12)
    options = {"width": 6, "seed": 0, "strong_hidden": 8, **changes}
    return build_towers("micro_conv", "bag_of_words", channels=3, image_size=16, tokenizer=tokenizer, **options).eval()


def test_it_comes_back_from_its_folder_without_code(tmp_path: Path) -> None:
    towers = small()
    save_encoder(towers, tmp_path)
    assert json.loads((tmp_path / "encoder.json").read_text())["kind"] == "towers"
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".json", ".safetensors"]
    found = load_encoder(tmp_path)
    view = towers.prepare(open_pairs(SCENES).batch([0, 1, 2]))
    assert torch.equal(found(view), towers(view))
    assert torch.equal(untrained_like(towers, 0)(view), towers(view))
    assert not torch.equal(untrained_like(towers, 1)(view), towers(view))


def test_towers_are_not_sent_to_train_heads_that_refuse_them(tmp_path: Path) -> None:
    save_encoder(small(), tmp_path / "encoder")
    with pytest.raises(RunError, match=r"holds two towers, and no classifier: .*--task prompts"):
        load_classifier(tmp_path)


def test_two_networks_are_no_one_graph() -> None:
    with pytest.raises(RunError, match="Two towers are two networks, and cannot become one ONNX file"):
        small().onnx_form()


def test_the_cosine_is_the_mean_of_weak_and_strong_heads() -> None:
    towers = small()
    view = towers.prepare(open_pairs(SCENES).batch([0, 1, 2]))
    x, y = towers.embed_images(view.first), towers.embed_texts(view.second)  # (3, 12) each
    cosines = []
    for head in range(2):
        one, other = towers.projected(towers.features(view), head)
        cosines.append(torch.nn.functional.cosine_similarity(one, other))
    assert torch.allclose((x * y).sum(dim=1), (cosines[0] + cosines[1]) / 2, atol=1e-6)
    assert torch.allclose(x.norm(dim=1), torch.ones(3))
    assert torch.allclose(towers.centre(x[:1]), x[0], atol=1e-6)
    assert float(towers.centre(x).detach().norm()) == pytest.approx(1, rel=1e-5)
    assert small(strong_hidden=0).dimension == 6


def test_scales_stay_within_their_bounds() -> None:
    towers = small()
    assert towers.log_scales.tolist() == pytest.approx([math.log(1 / 0.07), math.log(10)])
    with torch.no_grad():
        towers.log_scales.copy_(torch.tensor([1e4, -3.0]))
    towers.clamp_scales()
    assert towers.log_scales.tolist() == pytest.approx([math.log(100), 0.0])


def test_dropout_can_be_left_out() -> None:
    pairs = open_pairs(SCENES)
    tokenizer = tokenizer_for("transformer", list(pairs.every_text), max_length=12)
    towers = build_towers(
        "micro_conv", "transformer", channels=3, image_size=16, tokenizer=tokenizer, text_dropout=0.5, seed=0
    ).train()
    view = Paired(*(getattr(towers.prepare(pairs.batch([0, 1])), side) for side in ("first", "second")))
    still = [towers.features(view, dropout=False)[1] for _ in range(2)]
    assert torch.equal(*still)
    assert not torch.equal(towers.features(view)[1], towers.features(view)[1])


def test_one_side_alone_is_embedded_too(tmp_path: Path) -> None:
    save_encoder(small(), tmp_path)
    embedder, pairs = load(tmp_path), open_pairs(SCENES)
    images, texts = embedder.embed_images(pairs.pictures), embedder.embed_texts(["a red three", "a blue two"])
    assert images.shape == (12, 12)
    assert texts.shape == (2, 12)
    assert embedder.embed(["a red three"]) == pytest.approx(texts[:1], abs=1e-6)
    assert embedder.embed(pairs.pictures) == pytest.approx(images, abs=1e-6)
    whole = embedder.embed(pairs)
    assert whole.shape == (12, 12)
    assert whole != pytest.approx(images)
    plain = Embedder(build("micro_conv", channels=3, image_size=16, seed=0))
    with pytest.raises(ArgumentError, match="needs an encoder with two towers; micro_conv has none"):
        plain.embed_texts(["a red three"])


def test_a_small_clip_of_transformers(tmp_path: Path) -> None:
    from tiny_bert import write_bert, write_tokenizer

    transformers = pytest.importorskip("transformers")
    sizes = {"hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    words = {**sizes, "vocab_size": 13, "max_position_embeddings": 10, "eos_token_id": 3, "bos_token_id": 2}
    vision = {**sizes, "image_size": 16, "patch_size": 8}
    config = transformers.CLIPConfig(text_config=words, vision_config=vision, projection_dim=6)
    torch.manual_seed(0)
    model = transformers.CLIPModel(config).eval()
    write_tokenizer(tmp_path / "hub")
    model.save_pretrained(tmp_path / "hub")
    towers = clip_model(f"hf:{tmp_path / 'hub'}", pretrained=True).eval()
    pixels = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    view = towers.prepare(["the cat sat", "dog"])
    with torch.no_grad():
        output = model(
            input_ids=view.values,
            attention_mask=view.mask.long(),
            pixel_values=towers.image.normalize(pixels),
        )
    assert torch.allclose(towers.embed_images(pixels), output.image_embeds, atol=1e-6)
    assert torch.allclose(towers.embed_texts(view), output.text_embeds, atol=1e-6)
    assert list(towers.image.layers) == ["blocks.0"]  # type: ignore[attr-defined]
    read = read_layers(towers.image, pixels, ["blocks.0"])
    assert read.layers["blocks.0"].shape == (2, 5, 8)  # four patches and the token
    states = model.vision_model(pixel_values=towers.image.normalize(pixels), output_hidden_states=True).hidden_states
    assert torch.allclose(read.layers["blocks.0"], states[1], atol=1e-6)
    save_encoder(towers, tmp_path / "saved")
    (tmp_path / "hub").rename(tmp_path / "gone")
    found = load_encoder(tmp_path / "saved")
    assert torch.equal(found.embed_images(pixels), towers.embed_images(pixels))  # type: ignore[operator]
    assert torch.equal(found(view), towers(view))
    with pytest.raises(ArgumentError, match="has no two towers"):
        clip_model(f"hf:{write_bert(tmp_path / 'bert')}")
