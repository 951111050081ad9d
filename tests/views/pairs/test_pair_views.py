"""Views of pairs: weak and strong ones, other captions for other views, one word changed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from contrapose.data.pairs import open_pairs
from contrapose.encoders.texts import build_text, tokenizer_for
from contrapose.errors import OptionError
from contrapose.views import ImageViews
from contrapose.views.pairs import CaptionViews, PairViewMaker, PairViews
from contrapose.views.pairs.captions import edited, without_stop_words

pytest.importorskip("tokenizers")
SYNONYMS = {"red": ("crimson",)}


def test_stop_words_go_and_numerals_stay() -> None:
    assert without_stop_words("this is a red one at the top") == "red one top"
    assert without_stop_words("it is what it is") == "it is what it is", "never empty"


def test_an_edit_changes_one_thing_and_leaves_something() -> None:
    random = np.random.default_rng(0)
    replace = CaptionViews(replace=1, swap=0, delete=0)
    assert edited("a red three", random, replace, SYNONYMS) == "a crimson three"
    assert edited("a blue three", random, replace, SYNONYMS) == "a blue three", "nothing is known of these"
    swap = edited("a red three", random, CaptionViews(replace=0, swap=1, delete=0), {})
    assert sorted(swap.split()) == ["a", "red", "three"]
    assert swap != "a red three"
    delete = CaptionViews(replace=0, swap=0, delete=1)
    assert len(edited("a red three", random, delete, {}).split()) == 2
    assert edited("three", random, delete, {}) == "three"
    counts = {"crimson": 0, "two": 0, "other": 0}
    for _ in range(300):
        found = edited("red two", random, CaptionViews(), SYNONYMS).split()
        counts["crimson" if "crimson" in found else "two" if len(found) == 1 else "other"] += 1
    assert counts["crimson"] / 300 == pytest.approx(0.4, abs=0.1)
    assert counts["two"] / 300 == pytest.approx(0.2, abs=0.08)


def maker(options: PairViews) -> tuple[PairViewMaker, object, object]:
    pairs = open_pairs("made:scenes?count=12&captions=2")
    encoder = build_text("bag_of_words", tokenizer_for("bag_of_words", 2 * list(pairs.every_text)), seed=0)
    make = PairViewMaker(options, encoder.prepare, channels=3, image_size=16, synonyms=pairs.synonyms)
    return make, pairs.batch(np.arange(12)), encoder.tokenizer


def test_the_first_view_is_weak_and_views_take_different_captions() -> None:
    options = PairViews(count=3, weak_crop_min=1.0, texts=CaptionViews(replace=0, swap=0, delete=0))
    make, raw, tokenizer = maker(options)
    views = make(raw, generator=torch.Generator().manual_seed(0))
    assert [len(view) for view in views] == [12, 12, 12]
    assert torch.equal(views[0].first, raw.pixels.float() / 255)
    assert not torch.equal(views[1].first, views[2].first)
    said = [tokenizer.decode(view.second) for view in views]
    for row, captions in enumerate(raw.captions):
        assert {said[0][row], said[1][row]} == set(captions)
        assert said[2][row] == said[0][row], "there are two only"
    again = make(raw, generator=torch.Generator().manual_seed(0))
    for one, same in zip(views, again, strict=True):
        assert torch.equal(one.first, same.first)
        assert torch.equal(one.second.values, same.second.values)
    other = make(raw, generator=torch.Generator().manual_seed(1))
    assert not torch.equal(other[1].first, views[1].first)


def test_wrong_options_are_refused() -> None:
    with pytest.raises(OptionError, match="count is 0"):
        PairViews(count=0)
    with pytest.raises(OptionError, match="play no part in pairs"):
        PairViews(images=ImageViews(count=4))
    with pytest.raises(OptionError, match="swap is 2"):
        CaptionViews(swap=2)
    with pytest.raises(OptionError, match="nothing would be left"):
        PairViews(weak_crop_min=0.0)
