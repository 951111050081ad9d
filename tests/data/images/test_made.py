"""Pictures that are made when they are asked for: by name, with options, labelled by any of their questions."""

import inspect

import numpy as np
import pytest
import torch

from contrapose.commands.data_check import data_check
from contrapose.commands.run_data import places_of
from contrapose.data import Images, kind_of, open_data
from contrapose.data.images.made import MADE, superposition, trifeature, turned
from contrapose.data.images.made.scenes import scenes
from contrapose.data.images.made.superposition import laid_over
from contrapose.data.images.made.trifeature import COLOURS, SHAPES, SIDE, TEXTURES
from contrapose.data.images.made.turned import in_frame, turn
from contrapose.errors import ArgumentError


def masks(images):
    return images.pixels.max(axis=1) > 0  # (N, H, W)


def features(images):
    return np.stack([images.targets[name].astype(int) for name in ("colour", "shape", "texture")])  # (3, N)


@pytest.mark.parametrize("name", MADE)
def test_every_generator_can_be_named_and_repeats_itself(name):
    """A generator is reached by its name with its defaults, every option has a default, and a seed is all it draws
    from."""
    options = inspect.signature(MADE[name]).parameters.values()
    assert all(option.default is not inspect.Parameter.empty for option in options)
    assert {"count", "seed"} <= {option.name for option in options}
    once, again = (open_data(f"made:{name}?count=24&seed=3") for _ in range(2))
    other = open_data(f"made:{name}?count=24&seed=4")
    assert len(once) == 24
    assert once.fingerprint == again.fingerprint != other.fingerprint
    assert kind_of(f"made:{name}") == ("pairs" if name == "scenes" else "image")


def test_names_carry_options_to_the_generator():
    """What stands behind the question mark arrives as numbers; the pictures are those of the call in Python."""
    named, called = open_data("made:trifeature?count=50&seed=7"), trifeature(50, seed=7)
    assert (named.pixels == called.pixels).all()
    assert named.origin == "made:trifeature?count=50&seed=7"
    assert places_of("made:trifeature?count=50", run=None) == {}  # a name, the same in every folder


def test_any_question_becomes_the_labels():
    """`label_column` chooses among the questions, `number_column` among all targets, and the rest stay beside."""
    by_shape, by_colour = (open_data("made:trifeature?count=30", label_column=name) for name in (None, "colour"))
    assert by_shape.class_names == SHAPES
    assert by_colour.class_names == tuple(COLOURS)
    assert (by_colour.labels == by_colour.targets["colour"]).all()
    assert by_shape.notes == (
        "Labels by shape; the pictures have colour, shape, texture: --label-column (label_column=) chooses.",
    )
    assert open_data("made:trifeature?count=30", labels="none").labels is None
    numbered = open_data("made:trifeature?count=30", number_column="texture")
    assert (numbered.targets["number"] == numbered.targets["texture"]).all()


def test_scenes_may_have_larger_digits():
    """Each pixel of a scan becomes a square, and everything else is drawn as it was."""
    large, small = scenes(20, seed=2, side=24, scale=2), scenes(20, seed=2, side=16)
    for one, other in zip(large.pixels, small.pixels, strict=True):
        rows, columns = (np.flatnonzero(one.any(axis=(0, axis))) for axis in (2, 1))
        ink = one[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert (ink[:, ::2, ::2] == ink[:, 1::2, 1::2]).all()
        assert np.count_nonzero(one) == 4 * np.count_nonzero(other)
    assert (large.labels == small.labels).all()
    with pytest.raises(ArgumentError, match="side"):
        scenes(2, side=16, scale=2)


def test_size_and_limit_keep_the_questions():
    """Brought to another size and cut to fewer, pictures keep every target and the names of its classes."""
    small = open_data("made:trifeature?count=40", image_size=16, limit=10)
    assert len(small) == 10
    assert small.image_size == 16
    assert small.names_of["texture"] == TEXTURES
    assert (small.targets["colour"] == trifeature(40).targets["colour"][::4]).all()


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("made:trifaeture", {}, "Did you mean 'trifeature'"),
        ("made:trifeature?cuont=5", {}, "no option 'cuont'. Did you mean 'count'"),
        ("made:trifeature?count=many", {}, "count is a whole number, e.g. count=500"),
        ("made:trifeature?count", {}, "has no value: write made:trifeature?count=VALUE"),
        ("made:trifeature?seed=1&seed=2", {}, "is given twice"),
        ("made:trifeature?count=0", {}, "from 1 on"),
        ("made:trifeature", {"label_column": "color"}, "no classes 'color'. Did you mean 'colour'"),
        ("made:trifeature", {"number_column": "size"}, "no number 'size'"),
    ],
)
def test_mistakes_in_a_name_teach(name, options, said):
    with pytest.raises(ArgumentError, match=said.replace("?", r"\?")):
        open_data(name, **options)


def test_data_check_tells_of_made_pictures(tmp_path):
    """`data check` counts the classes, says which question they answer, and draws views."""
    report = data_check("made:trifeature?count=200", label_column="texture", out=tmp_path / "views.png", quiet=True)
    assert {name for name, _ in report.classes} == set(TEXTURES)
    assert (tmp_path / "views.png").is_file()
    assert "200 pictures, used as 3 x 24 x 24" in report.summary
    assert not report.problems


def test_the_three_features_are_independent_and_as_named():
    """All 216 combinations come about equally often; the colour is the hue of every lit pixel, and the background is
    black."""
    images = trifeature(6000, seed=1)
    codes = np.ravel_multi_index(features(images), (6, 6, 6))
    counts = np.bincount(codes, minlength=216)
    assert counts.min() > 0
    assert ((counts - 6000 / 216) ** 2 / (6000 / 216)).sum() < 290
    few = images.subset(range(200))
    table = np.array(list(COLOURS.values())) > 0  # (6, 3)
    lit, mask = few.pixels > 0, masks(few)
    expected = table[features(few)[0]][:, :, None, None] & mask[:, None]  # (N, 3, H, W)
    assert (lit == expected).all()
    assert few.pixels.shape == (200, 3, SIDE, SIDE)
    assert mask[:, [0, -1]].sum() == 0


def test_shapes_cover_what_they_are_called():
    """A ring is open in the middle, a disc is not; a plus is thin, a square full; a triangle is wider below."""
    images = trifeature(1500, seed=2)
    mask, shape = masks(images), features(images)[1]
    solid = features(images)[2] == TEXTURES.index("solid")
    area = images.pixels.max(axis=1).sum(axis=(1, 2)) / 255  # (N,): in pixels, of those that are solid
    mean = {name: area[solid & (shape == number)].mean() for number, name in enumerate(SHAPES)}
    assert abs(mean["disc"] - np.pi * 8**2) < 8
    assert abs(mean["diamond"] - 2 * 8**2) < 8
    assert abs(mean["square"] - (2 * 0.85 * 8) ** 2) < 8
    assert mean["ring"] < 0.8 * mean["disc"]
    middle = images.pixels[:, :, 11:13, 11:13].max(axis=(1, 2, 3))  # (N,): the brightest of the middle pixels
    assert (middle[shape == SHAPES.index("ring")] < 128).all()
    assert (middle[solid & (shape == SHAPES.index("disc"))] == 255).all()
    triangles = mask[shape == SHAPES.index("triangle")]
    widths = triangles.sum(axis=2).argmax(axis=1)  # (n,): the row that is widest
    assert (widths > 11).all()


def test_textures_have_the_stated_periods_and_dark_phase():
    """A solid object has one grey level, stripes and boards have two, of which the dark one is 0.35 of the other, and
    repeat after 4 pixels in the stated direction and not in others."""
    images = trifeature(1500, seed=5)
    value, texture, shape = images.pixels.max(axis=1), features(images)[2], features(images)[1]  # (N, H, W), (N,)
    wide = shape == SHAPES.index("square")
    for number, name in enumerate(TEXTURES):
        patches = value[wide & (texture == number)][:, 8:16, 8:16].astype(int)  # (n, 8, 8), inside every square
        levels = set(np.unique(patches))
        assert levels == {"solid": {255}, "blobs": levels}.get(name, {89, 255}), name
        same = {
            "rows": (patches[:, 1:] == patches[:, :-1]).all(),
            "columns": (patches[:, :, 1:] == patches[:, :, :-1]).all(),
            "period": (patches[:, 4:] == patches[:, :4]).all(),
        }
        assert same == {
            "rows": name in ("solid", "vertical"),
            "columns": name in ("solid", "horizontal"),
            "period": name != "blobs",
        }, name


def test_two_digits_lie_over_each_other():
    """Both at half their strength, of five classes each, drawn independently."""
    images = superposition(400, seed=1)
    assert images.names_of == {"beneath": ("0", "1", "2", "3", "4"), "above": ("5", "6", "7", "8", "9")}
    assert (images.labels == images.targets["above"]).all()
    assert images.pixels.max() > 2 * 120, "both strokes meet somewhere"
    together = np.bincount(5 * images.targets["beneath"].astype(int) + images.labels, minlength=25)
    assert ((together - 16) ** 2 / 16).sum() < 43  # chi-square with 24 degrees of freedom, 1 in 100
    white, half = np.full((1, 1, 2, 2), 255, np.uint8), np.full((1, 1, 2, 2), 101, np.uint8)
    assert (laid_over(white, half) == 178).all()
    assert (laid_over(white, half, 0.0) == 128).all()


def test_digits_are_turned_by_their_number():
    """A picture that is turned by nothing stays; the number is the angle, within its limits, and scans come again."""
    images = turned(1_800, seed=2, largest=30)
    angles = images.targets["number"]
    assert 25 < np.abs(angles).max() <= 30
    assert images.labels[0] == images.labels[1797]
    assert angles[0] != angles[1797]
    still = in_frame(np.full((1, 1, 8, 8), 200, np.uint8))
    same = turn(Images(still, [0]), torch.Generator().manual_seed(0), largest=1e-6)
    inside = still > 0
    assert np.abs(same.pixels.astype(int) - still)[inside].max() <= 1
    with pytest.raises(ArgumentError, match="degrees"):
        turned(3, largest=0)
