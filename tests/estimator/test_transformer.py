"""`ContrastiveEncoder`: what it learns, and how it lives with the rest of scikit-learn."""

from __future__ import annotations

import pickle
import pickletools
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.base import clone
from sklearn.datasets import load_digits, make_blobs
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from contrapose.embedder import load
from contrapose.encoders import build, save_encoder
from contrapose.errors import ArgumentError, DataError, RunError
from contrapose.estimator import ContrastiveEncoder

QUICK = {"epochs": 2, "encoder_options": {"widths": [16, 16]}, "device": "cpu", "random_state": 0}
QUICK_PICTURES = {"epochs": 1, "batch_size": 32, "device": "cpu", "random_state": 0}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def blobs() -> tuple[np.ndarray, np.ndarray]:
    return make_blobs(120, n_features=6, centers=3, random_state=0)


def hidden_factors() -> tuple[np.ndarray, np.ndarray]:
    """Two classes told apart by whether eight pairs of columns agree; each column by itself is noise."""
    random = np.random.default_rng(0)
    y = random.integers(2, size=1000)
    signs = random.choice([-1.0, 1.0], size=(1000, 8))
    partner = np.where(y[:, None] == 1, signs, -signs)
    X = np.concatenate([signs, partner], axis=1) + 0.1 * random.normal(size=(1000, 16))
    return X, y


def test_features_know_what_columns_have_to_do_with_each_other() -> None:
    X, y = hidden_factors()  # no column by itself, and no linear map of them, tells the class
    options = {"encoder_options": {"widths": [128, 128]}, "device": "cpu", "random_state": 0}
    encoder = ContrastiveEncoder("simclr", epochs=20, **options).fit(X)
    few = slice(0, 200)
    raw = LogisticRegression(max_iter=1000).fit(X[few], y[few]).score(X[200:], y[200:])
    features = make_pipeline(FrozenEstimator(encoder), StandardScaler(), LogisticRegression(max_iter=1000))
    learned = features.fit(X[few], y[few]).score(X[200:], y[200:])
    assert raw < 0.65
    assert learned > raw + 0.15
    assert encoder.loss_curve_[-1] < encoder.loss_curve_[0]
    assert len(encoder.loss_curve_) == 20


def test_labels_bring_classes_together(blobs: tuple[np.ndarray, np.ndarray]) -> None:
    X, _ = blobs
    y = np.where(X[:, 0] > np.median(X[:, 0]), "high", "low")
    encoder = ContrastiveEncoder("supcon", epochs=20, device="cpu", random_state=0)
    z = encoder.fit_transform(X[:80], y[:80])
    assert KNeighborsClassifier(5).fit(z, y[:80]).score(encoder.transform(X[80:]), y[80:]) > 0.85


def test_minus_one_is_no_class() -> None:
    from contrapose.estimator.inputs import class_numbers

    assert class_numbers([-1, 5, 7, 5, -1], 5, "supcon").tolist() == [-1, 0, 1, 0, -1]
    with pytest.warns(UserWarning, match="column-vector"):
        assert class_numbers(np.array([[2], [1]]), 2, "supcon").tolist() == [1, 0]
    assert class_numbers(["-1", "b"], 2, "supcon").tolist() == [0, 1]
    assert class_numbers([-1, -1], 2, "supcon").tolist() == [-1, -1]


def test_missing_values_are_no_class() -> None:
    from contrapose.estimator.inputs import class_numbers

    pandas = pytest.importorskip("pandas")
    missing = pandas.Series(["b", None, "a", " a"], index=[3, 1, 0, 2])
    for y in (missing, missing.astype("category"), missing.tolist(), missing.to_numpy()):
        assert class_numbers(y, 4, "supcon").tolist() == [1, -1, 0, 0]
    for y in ([7.0, np.nan, 5.0], pandas.array([7, None, 5], dtype="Int64"), np.array([7, -1, 5])):
        assert class_numbers(y, 3, "supcon").tolist() == [1, -1, 0]


def test_a_frame_with_a_column_of_paths_is_pictures(tmp_path: Path) -> None:
    from contrapose.estimator.inputs import is_pictures, open_pictures

    pandas = pytest.importorskip("pandas")
    for number in range(3):
        Image.new("RGB", (8, 8), (90 * number, 0, 0)).save(tmp_path / f"{number}.png")
    paths = [str(tmp_path / f"{number}.png") for number in (2, 0, 1)]
    for X in (
        pandas.DataFrame({"age": [1, 2, 3], "path": paths}, index=[2, 0, 1]),
        pandas.Series(paths, index=[2, 0, 1]),
        np.array(paths)[:, None],
    ):
        assert is_pictures(X)
        assert open_pictures(X, image_size=None).pixels[:, 0, 0, 0].tolist() == [180, 0, 90]
    assert not is_pictures(pandas.DataFrame({"path": [1.0, 2.0], "y": [0, 1]}))


def test_random_state_decides_and_the_global_streams_stay(blobs: tuple[np.ndarray, np.ndarray]) -> None:
    X, _ = blobs
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()
    one, other = (ContrastiveEncoder(**QUICK).fit_transform(X) for _ in range(2))
    third = ContrastiveEncoder(**{**QUICK, "random_state": 1}).fit_transform(X)
    np.testing.assert_array_equal(one, other)
    assert np.abs(one - third).max() > 0.01
    assert torch.equal(torch.get_rng_state(), torch_before)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_before)


def test_scale_and_offset_of_columns_do_not_matter(blobs: tuple[np.ndarray, np.ndarray]) -> None:
    X, _ = blobs
    z = ContrastiveEncoder(**QUICK).fit_transform(X)
    moved = ContrastiveEncoder(**QUICK).fit_transform(X * [1e-6, 1, 1e3, 1, 1, 1e6] + [0, 1e5, 0, -3, 0, 0])
    np.testing.assert_allclose(z, moved, atol=1e-3)


def test_rows_are_embedded_in_pieces(blobs: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    X, _ = blobs
    encoder = ContrastiveEncoder(**QUICK).fit(X)
    whole = encoder.transform(X)
    monkeypatch.setattr("contrapose.estimator.transformer.ROWS_AT_A_TIME", 7)
    np.testing.assert_allclose(encoder.transform(X), whole, atol=1e-7)


def test_pickled_without_code_and_clonable(blobs: tuple[np.ndarray, np.ndarray]) -> None:
    X, _ = blobs
    encoder = ContrastiveEncoder(**QUICK).fit(X)
    pickled = pickle.dumps(encoder)
    strings = {argument for _, argument, _ in pickletools.genops(pickled) if isinstance(argument, str)}
    assert not any(text.startswith("torch") for text in strings)
    np.testing.assert_array_equal(pickle.loads(pickled).transform(X), encoder.transform(X))
    assert not hasattr(clone(encoder), "encoder_")
    damaged = encoder.__getstate__()
    damaged["encoder_"] = {**damaged["encoder_"], "encoder.safetensors": b"nothing"}
    with pytest.raises(RunError, match="damaged"):
        ContrastiveEncoder().__setstate__(damaged)


def test_a_column_keeps_its_name_and_features_get_some(blobs: tuple[np.ndarray, np.ndarray]) -> None:
    polars = pytest.importorskip("polars")
    X, _ = blobs
    frame = polars.DataFrame(X, schema=list("abcdef"))
    encoder = ContrastiveEncoder(**QUICK).fit(frame)
    assert encoder.feature_names_in_.tolist() == list("abcdef")
    assert encoder.n_features_in_ == 6
    assert encoder.get_feature_names_out().tolist() == [f"contrastiveencoder{i}" for i in range(16)]
    with pytest.raises(ValueError, match="feature names"):
        encoder.transform(frame.rename({"a": "z"}))


def test_grid_search_over_a_pipeline(blobs: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = blobs
    pipeline = make_pipeline(ContrastiveEncoder(**QUICK), LogisticRegression(max_iter=500))
    grid = {
        "contrastiveencoder__corruption_rate": [0.2, 0.6],
        "contrastiveencoder__method_options": [None, {"sigma": 1.0}],
    }
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X, y)
    assert search.best_score_ > 0.9
    assert len(search.cv_results_["params"]) == 4


def test_options_reach_their_place(blobs: tuple[np.ndarray, np.ndarray]) -> None:
    X, _ = blobs
    z = ContrastiveEncoder(**QUICK).fit_transform(X)
    for change in (
        {"corruption_rate": 0.1},
        {"method_options": {"sigma": 0.5}},
        {"learning_rate": 1e-2},
        {"batch_size": 16},
        {"method_options": {"optimizer": "sgd"}},
        {"method_options": {"gradient_clip": 1e-3}},
        {"method": "simclr"},
    ):
        assert np.abs(ContrastiveEncoder(**{**QUICK, **change}).fit_transform(X) - z).max() > 1e-5, change


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"method": "mmcle"}, "Did you mean 'mmcl'"),
        ({"method_options": {"sigmas": 1.0}}, "Did you mean 'sigma'"),
        ({"method_options": {"epochs": 3}}, "'epochs'"),
        ({"method_options": {"views": {"count": 3}}}, "views"),
        ({"epochs": 0}, "epochs must be above 0"),
        ({"batch_size": 0}, "batch_size"),
        ({"corruption_rate": -0.1}, "corruption_rate"),
        ({"encoder": "mpl"}, "Did you mean 'mlp'"),
        ({"method": "supcon"}, "requires y"),
        ({"device": "abacus"}, "abacus"),
    ],
)
def test_errors_teach(arguments: dict, text: str, blobs: tuple[np.ndarray, np.ndarray]) -> None:
    with pytest.raises(ArgumentError, match=text):
        ContrastiveEncoder(**{**QUICK, **arguments}).fit(blobs[0])


def test_a_run_that_blows_up_says_so(blobs: tuple[np.ndarray, np.ndarray]) -> None:
    wild = {"learning_rate": 1e30, "epochs": 10, "method_options": {"optimizer": "sgd"}}
    with pytest.raises(RunError, match="learning_rate below"):
        ContrastiveEncoder("simclr", **{**QUICK, **wild}).fit(blobs[0])


def test_pictures_as_arrays_and_as_files_are_the_same(pictures: np.ndarray, tmp_path: Path) -> None:
    last = pictures.transpose(0, 2, 3, 1)
    paths = [tmp_path / f"{row:02d}.png" for row in range(len(last))]
    for path, pixels in zip(paths, last, strict=True):
        Image.fromarray(pixels).save(path)
    encoder = ContrastiveEncoder(**QUICK_PICTURES)
    of_arrays = encoder.fit_transform(last)
    assert of_arrays.shape == (96, encoder.encoder_.dimension)
    assert encoder.encoder_.name == "small_conv"
    of_files = clone(encoder).fit_transform([str(path) for path in paths])
    np.testing.assert_allclose(of_arrays, of_files, atol=1e-5)
    np.testing.assert_allclose(encoder.transform(np.array(paths, dtype=object)[5:9]), of_arrays[5:9], atol=1e-4)
    again = pickle.loads(pickle.dumps(encoder)).transform(last)
    np.testing.assert_allclose(again, of_arrays, atol=1e-5)
    assert len(encoder.get_feature_names_out()) == of_arrays.shape[1]


def test_pictures_with_labels_in_a_pipeline() -> None:
    X, y = load_digits(return_X_y=True)
    pixels = (X[:300].reshape(-1, 8, 8) * 15).astype(np.uint8)
    encoder = ContrastiveEncoder("supcon", **{**QUICK_PICTURES, "epochs": 5})
    pipeline = make_pipeline(encoder, LogisticRegression(max_iter=500)).fit(pixels[:200], y[:200])
    assert pipeline.score(pixels[200:], y[200:300]) > 0.7  # chance 0.1


def test_selfcon_trains_on_one_view_of_pictures(pictures: np.ndarray) -> None:
    z = ContrastiveEncoder("selfcon", **QUICK_PICTURES).fit_transform(pictures, np.repeat([0, 1, 2], 32))
    assert np.isfinite(z).all()


def test_pictures_that_cannot_be_read_are_named(pictures: np.ndarray, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    Image.fromarray(pictures[0].transpose(1, 2, 0)).save(good)
    bad.write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"bad\.png"):
        ContrastiveEncoder(**QUICK_PICTURES).fit([good, bad, good])
    with pytest.raises(ArgumentError, match="1 sample"):
        ContrastiveEncoder(**QUICK_PICTURES).fit(pictures[:1])


def test_tables_and_pictures_are_not_mixed_up(blobs: tuple[np.ndarray, np.ndarray], pictures: np.ndarray) -> None:
    encoder = ContrastiveEncoder(**QUICK).fit(blobs[0])
    with pytest.raises(ArgumentError, match="fitted on a table and was given pictures"):
        encoder.transform(pictures)
    encoder.set_params(encoder_options=None).fit(pictures)
    assert not hasattr(encoder, "n_features_in_")
    with pytest.raises(ArgumentError, match="fitted on pictures and was given a table"):
        encoder.transform(blobs[0])


def test_a_fit_starts_from_trained_weights(pictures: np.ndarray, tmp_path: Path) -> None:
    """Of pictures, which are brought to what the weights take; a fit of no effect leaves them as they were."""
    trained = build("small_conv", channels=3, image_size=16, seed=5, widths=[8, 8], embedding=6, mean=0.2, std=0.3)
    save_encoder(trained, tmp_path / "encoder")
    still = {"method_options": {"weight_decay": 0.0}, "learning_rate": 1e-12}
    grey = pictures[:, 0]
    for init in (str(tmp_path / "encoder"), trained, load(tmp_path / "encoder")):
        fitted = clone(ContrastiveEncoder("simclr", init=init, **still, **QUICK_PICTURES)).fit(grey)
        assert fitted.transform(grey[:3]).shape == (3, 6)
        assert torch.equal(fitted.encoder_.mean, trained.mean)
        for one, two in zip(fitted.encoder_.parameters(), trained.parameters(), strict=True):
            torch.testing.assert_close(one, two)
    again = ContrastiveEncoder("mmcl", init=fitted.encoder_, **QUICK_PICTURES).fit(grey)
    assert not torch.equal(next(again.encoder_.parameters()), next(fitted.encoder_.parameters()))
    assert pickle.loads(pickle.dumps(again)).transform(grey[:3]).shape == (3, 6)


def test_a_table_goes_on_from_the_encoder_of_another(tmp_path: Path) -> None:
    table = np.random.default_rng(0).normal(size=(60, 5))
    first = ContrastiveEncoder("simclr", encoder_options={"widths": [8, 7]}, **QUICK_PICTURES).fit(table)
    second = ContrastiveEncoder("simclr", init=first.encoder_, **QUICK_PICTURES).fit(table)
    assert second.transform(table).shape == (60, 7)
    with pytest.raises(ArgumentError, match="take 5 columns"):
        ContrastiveEncoder("simclr", init=first.encoder_, **QUICK_PICTURES).fit(table[:, :4])
    with pytest.raises(ArgumentError, match="leave out encoder and encoder_options"):
        ContrastiveEncoder("simclr", init=first.encoder_, encoder="mlp", **QUICK_PICTURES).fit(table)
