"""What a pixel means is decided by the data of a run, kept with its encoder, and the same for whatever comes later."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import contrapose
from contrapose.commands.evaluate import measure
from contrapose.commands.search import search
from contrapose.data import open_data
from contrapose.embedder import Embedder
from contrapose.encoders import architecture_of, build, load_encoder, save_encoder, untrained_like
from contrapose.errors import ArgumentError, RunError
from contrapose.estimator import ContrastiveEncoder
from contrapose.preparation import Preparation

SMALL = {"widths": [4, 8], "embedding": 0, "pool": 1}


def encoder_of(preparation: Preparation | None = None) -> Embedder:
    made = build("small_conv", channels=1, image_size=16, seed=0, preparation=preparation, **SMALL)
    return Embedder(made.eval())


@pytest.fixture
def deep() -> np.ndarray:
    """`(24, 16, 16)` of 12 bits in 16, the first much darker than the last."""
    values = np.random.default_rng(0).random((24, 16, 16)) * np.linspace(100, 4000, 24)[:, None, None]
    return values.astype(np.uint16)


@pytest.fixture
def folder(tmp_path: Path, deep: np.ndarray) -> Path:
    """The same as files of two classes."""
    for row, picture in enumerate(deep):
        path = tmp_path / "deep" / f"class-{row % 2}" / f"{row:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path)
    return tmp_path / "deep"


def test_it_is_kept_in_the_folder_of_the_encoder(tmp_path: Path) -> None:
    kept = Preparation(integers=4095, floats=1, fit="pad")
    save_encoder(encoder_of(kept).encoder, tmp_path)
    assert json.loads((tmp_path / "encoder.json").read_text())["form"]["preparation"] == {
        "integers": 4095,
        "floats": 1,
        "fit": "pad",
    }
    assert load_encoder(tmp_path).preparation == kept == untrained_like(tmp_path, 1).preparation


def test_a_folder_of_an_older_version_has_the_usual_one(tmp_path: Path) -> None:
    save_encoder(encoder_of(Preparation(integers=4095)).encoder, tmp_path)
    description = json.loads((tmp_path / "encoder.json").read_text())
    form = description.pop("form")
    sizes = {name: form[name] for name in ("channels", "image_size")}
    (tmp_path / "encoder.json").write_text(json.dumps({**description, "format": 1, **sizes}))
    assert load_encoder(tmp_path).preparation == Preparation()
    assert architecture_of(tmp_path).form["preparation"] == {}


@pytest.mark.parametrize("damage", ["pad", {"fit": "stretch"}, {"integers": -1}, {"floats": "white"}])
def test_a_damaged_one_is_an_error(tmp_path: Path, damage: object) -> None:
    save_encoder(encoder_of().encoder, tmp_path)
    description = json.loads((tmp_path / "encoder.json").read_text())
    (tmp_path / "encoder.json").write_text(
        json.dumps({**description, "form": {**description["form"], "preparation": damage}})
    )
    with pytest.raises(RunError, match=r"encoder\.json"):
        load_encoder(tmp_path)


@pytest.mark.parametrize("kept", [Preparation(integers=4095), Preparation(integers=1023), Preparation()])
@pytest.mark.filterwarnings("ignore:Pixels")
def test_a_picture_embeds_alike_alone_and_among_others(kept: Preparation, deep: np.ndarray, folder: Path) -> None:
    embedder = encoder_of(kept)
    together = embedder.embed(deep)
    alone = np.concatenate([embedder.embed(picture[None]) for picture in deep])
    np.testing.assert_allclose(alone, together, rtol=1e-4, atol=1e-5)
    order = [int(Path(name).stem) for name in embedder.open(str(folder)).identifiers]
    np.testing.assert_allclose(embedder.embed(str(folder)), together[order], rtol=1e-4, atol=1e-5)
    one = folder / "class-0" / "00.png"
    np.testing.assert_allclose(embedder.embed([one]), together[:1], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(embedder.embed([Image.open(one)]), together[:1], rtol=1e-4, atol=1e-5)


def test_what_is_likely_wrong_is_warned_of(deep: np.ndarray) -> None:
    with pytest.warns(UserWarning, match=r"nothing else is known of them, .* very dark: .* white="):
        encoder_of().embed(deep)
    with pytest.warns(UserWarning, match="% of the values lie outside and were clipped"):
        encoder_of(Preparation(integers=255)).embed(deep)
    with pytest.warns(UserWarning, match="opened with 4095 as white, and the encoder was trained with 1023"):
        encoder_of(Preparation(integers=1023)).embed(open_data(deep))


def test_the_white_level_can_be_named(tmp_path: Path, deep: np.ndarray) -> None:
    save_encoder(encoder_of().encoder, tmp_path)
    expected = encoder_of(Preparation(integers=4095)).embed(deep)
    np.testing.assert_array_equal(encoder_of().embed(deep, white=4095), expected)
    np.testing.assert_array_equal(contrapose.load(tmp_path, white=4095).embed(deep), expected)
    with pytest.raises(ArgumentError, match="white must be a number above 0"):
        contrapose.load(tmp_path, white=-1)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_features_of_the_estimator(deep: np.ndarray, dtype: type) -> None:
    learned = ContrastiveEncoder("simclr", epochs=1, batch_size=12, encoder_options=SMALL, random_state=0)
    learned.fit(deep.astype(dtype))
    together = learned.transform(deep.astype(dtype))
    np.testing.assert_allclose(learned.transform(deep[:1].astype(dtype)), together[:1], rtol=1e-4, atol=1e-5)
    assert learned.encoder_.preparation.white("integers" if dtype is np.uint16 else "floats") == 4095


def test_the_estimator_pads_and_takes_a_white_level(deep: np.ndarray) -> None:
    options = {"epochs": 1, "batch_size": 12, "encoder_options": SMALL, "random_state": 0}
    learned = ContrastiveEncoder("simclr", image_fit="pad", white=9999, **options).fit(deep[:, :, :8])
    assert learned.encoder_.preparation == Preparation(9999, 9999, "pad")
    assert learned.encoder_.image_size == 16
    assert learned.transform(deep[:2, :, :8]).shape == (2, 8)


def test_a_run_says_it_keeps_it_and_continues(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = contrapose.train("simclr", data=str(folder), fit="pad", epochs=1, batch_size=8, out="run", quiet=True)
    kept = Preparation(integers=4095, fit="pad")
    assert load_encoder("run/encoder").preparation == kept
    record = json.loads(Path("run/config.json").read_text())
    assert record["data"]["preparation"] == kept.to_json()
    assert any("were taken as 0 to 4095 (12 bits)" in note for note in record["data"]["notes"])
    assert record["config"]["fit"] == "pad"
    contrapose.resume("run", epochs=2, quiet=True)
    result = measure("run", data=str(folder), floors=False, quiet=True)
    assert any("0 to 4095" in note for note in result.notes)
    dark = folder / "class-0" / "00.png"
    found = search("run", dark, data=str(folder), k=1, index="index", quiet=True)
    assert found.similarity[0, 0] > 0.9999
    with pytest.raises(RunError, match="made with another encoder"):
        search("run", dark, index="index", white=9999, quiet=True)
    assert run.load().encoder.preparation == kept
    assert "4095" not in capsys.readouterr().err


def test_a_padded_picture_is_padded_again(tmp_path: Path) -> None:
    wide = np.random.default_rng(0).integers(0, 255, (20, 40), dtype=np.uint8)
    Image.fromarray(wide).save(tmp_path / "wide.png")
    whole = encoder_of(Preparation(fit="pad")).open([tmp_path / "wide.png"])
    cut = encoder_of().open([tmp_path / "wide.png"])
    assert whole.preparation.fit == "pad"
    assert not np.array_equal(whole.pixels, cut.pixels)
    assert np.array_equal(encoder_of(Preparation(fit="pad")).open([Image.fromarray(wide)]).pixels, whole.pixels)
