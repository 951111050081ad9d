"""A configuration is the same thing in Python, in JSON and on the command line."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from contrapose.errors import ArgumentError
from contrapose.methods import CACR, METHODS, MMCL
from contrapose.training.config_file import from_dictionary, to_dictionary
from contrapose.views.images.options import ImageViews

CHANGED = {
    "image": ("rotation_degrees", 20.0),
    "text": ("delete", 0.1),
    "items": ("mask", 0.4),
    "graph": ("share", 0.4),
    "pairs": ("weak_crop_min", 0.7),
}


@pytest.mark.parametrize("name", list(METHODS))
def test_every_configuration_survives_json(name: str) -> None:
    usual = METHODS[name]().views
    option, value = CHANGED[METHODS[name].modality]
    config = METHODS[name](epochs=3, views=dataclasses.replace(usual, **{option: value}))
    text = json.dumps(to_dictionary(config))
    assert from_dictionary(METHODS[name], json.loads(text)) == config


def test_what_a_group_leaves_out_is_as_the_method_has_it() -> None:
    assert from_dictionary(CACR, {"views": {"rotation_degrees": 20.0}}).views.count == CACR().views.count == 5
    assert from_dictionary(CACR, {"views": {"count": 3}}).views == ImageViews(count=3)


def test_an_unknown_key_names_the_nearest_one() -> None:
    with pytest.raises(ArgumentError, match=r"Unknown key 'sigm'.*'sigma'"):
        from_dictionary(MMCL, {"sigm": 1.0})
    with pytest.raises(ArgumentError, match=r"'rotation_degree'.*views.*'rotation_degrees'"):
        from_dictionary(MMCL, {"views": {"rotation_degree": 3}})


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("epochs", "many", "epochs must be of type int, got 'many'"),
        ("epochs", True, "of type int"),
        ("epochs", 0, "epochs must be above 0, got 0"),
        ("sigma", -1, r"sigma must be above 0, got -1\.0"),
        ("views", 3, "views must be a group of keys"),
        ("views", {"count": 0}, r"^views\.count is 0; it must be at least 1"),
        ("views", {"zoom_min": 2.0, "zoom_max": 1.5}, r"^views\.zoom_min is 2, above views\.zoom_max, which is 1\.5\."),
        ("C", "x", "of type float"),
        ("optimizer", "adam", "optimizer must be one of adamw, sgd, lars, got 'adam'"),
        ("optimizer", "x" * 99, f"optimizer must be one of adamw, sgd, lars, got '{'x' * 59}[.]{{3}}[.]$"),
        ("labels", ["a", "b"], "Labels of your own come with the data"),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected(key: str, value: object, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        from_dictionary(MMCL, {key: value})


def test_whole_numbers_become_floats_where_floats_are_declared() -> None:
    config = from_dictionary(MMCL, {"sigma": 2, "C": 1})
    assert isinstance(config.sigma, float)
    assert isinstance(config.C, float)


def test_a_path_is_as_good_as_its_name(tmp_path: Path) -> None:
    config = from_dictionary(METHODS["patch-training"], {"out": tmp_path / "run", "patch": [tmp_path]})
    assert config.out == str(tmp_path / "run")
    assert config.patch == (str(tmp_path),)
    json.dumps(to_dictionary(config))


def test_differences_are_what_was_changed() -> None:
    assert MMCL(sigma=3.0, epochs=7).differences() == {"sigma": 3.0, "epochs": 7}
    assert MMCL(views=ImageViews(weak_count=1)).differences() == {"views.weak_count": 1}
    assert CACR(views=ImageViews(count=5)).differences() == {}  # CACR's default
