"""The facts of the page: curves, map, neighbours, confusions, spectrum, pairing, views, cards."""

from __future__ import annotations

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from made_pages import embeddings, labels, pictures, samples
from PIL import Image

from contrapose.data import Images
from contrapose.encoders import build
from contrapose.errors import ArgumentError
from contrapose.pairing import by_labels, by_towers, by_views
from contrapose.report import Absent, Embedded, show_rows, show_texts
from contrapose.report.cards import PictureCard, RowCard, TextCard, picture_card
from contrapose.report.facts.curves import MOST_POINTS, curves_of
from contrapose.report.facts.map import OTHER, group_classes, map_of, natural
from contrapose.report.facts.neighbours import confusions_of, gallery_of
from contrapose.report.facts.pairing import draw
from contrapose.report.facts.parts import label_names
from contrapose.report.facts.run import size_in_words
from contrapose.report.facts.spectrum import spectra_of
from contrapose.report.facts.views import views_of
from contrapose.report.page import Curves, Gallery, Map
from contrapose.views import ImageViews


def test_curves_pass_over_null_and_keep_the_end() -> None:
    rows = [{"step": step, "loss": None if step == 2 else float(step), "chance": 0.5} for step in range(5000)]
    rows[7]["verdict"] = "the loss stands still"
    found = curves_of(rows)
    assert isinstance(found, Curves)
    (loss,) = found.curves
    assert loss.steps[0] == 0
    assert 2 not in loss.steps
    assert loss.steps[-1] == 4999
    assert len(loss.steps) == MOST_POINTS + 1
    assert loss.chance == 0.5
    assert found.verdicts == [(7, "the loss stands still")]


def test_a_run_without_numbers_has_no_curves() -> None:
    found = curves_of([{"step": 1, "loss": None}])
    assert isinstance(found, Absent)
    assert "metrics.jsonl" in found.why


def test_the_map_keeps_groups_together_and_repeats() -> None:
    found = map_of(samples())
    assert isinstance(found, Map)
    places = np.array([(point.x, point.y) for point in found.points])
    group = np.arange(60) % 3
    distances = np.linalg.norm(places[:, None] - places[None], axis=2) + 1e9 * np.eye(60)
    assert (group[distances.argmin(1)] == group).mean() > 0.95
    again = map_of(samples())
    assert isinstance(again, Map)
    assert places.tolist() == [[point.x, point.y] for point in again.points]
    assert [entry.count for entry in found.classes] == [20, 20, 20]
    assert sum(entry.count for entry in found.clusters) == 60
    assert [entry.count for entry in found.clusters] == sorted((e.count for e in found.clusters), reverse=True)
    for entry in found.clusters:
        assert sum(point.cluster_slot == entry.slot for point in found.points) == entry.count


def test_the_map_thins_out_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contrapose.report.facts.map.MOST_POINTS", 20)
    found = map_of(samples())
    assert isinstance(found, Map)
    assert [point.name for point in found.points] == [f"folder/{number:03d}" for number in range(0, 60, 3)]
    assert found.method.startswith("20 of 60 samples")


def test_the_map_of_too_few_or_equal_samples() -> None:
    few = samples(count=6)
    assert isinstance(map_of(few), Absent)
    same = Embedded(np.ones((20, 4)), show_texts(["x"] * 20), ["x"] * 20)
    found = map_of(same)
    assert isinstance(found, Map)
    assert {(point.x, point.y) for point in found.points} == {(0.0, 0.0)}
    with pytest.raises(ArgumentError, match="zeros"):
        map_of(Embedded(np.zeros((20, 4)), show_texts(["x"] * 20), ["x"] * 20))


def test_more_classes_than_colours_share_one() -> None:
    groups = group_classes([f"class {number}" for number in range(12) for _ in range(20 - number)])
    assert [group.name for group in groups[:10]] == [f"class {number}" for number in range(10)]
    assert (groups[10].name, groups[10].slot, groups[10].count) == ("2 other classes", OTHER, 9 + 10)
    assert sorted(["class 10", "class 2"], key=natural) == ["class 2", "class 10"]


def test_neighbours_are_nearest_first_and_leave_the_query_out() -> None:
    bank = samples(labelled=False)
    found = gallery_of(bank)
    assert isinstance(found, Gallery)
    assert len(found.queries) == 8
    unit = bank.embeddings / np.linalg.norm(bank.embeddings, axis=1, keepdims=True)
    for query in found.queries:
        row = list(bank.names).index(query.name)
        cosines = unit @ unit[row]
        cosines[row] = -2
        assert [near.name for near in query.neighbours] == [bank.names[place] for place in np.argsort(-cosines)[:8]]
        assert all(near.hit is None for near in query.neighbours)
        assert query.neighbours[0].similarity == pytest.approx(cosines.max(), abs=1e-5)
    assert isinstance(found.confusions, Absent)


def test_hits_and_confusions_follow_the_labels() -> None:
    bank = samples()
    truth = labels(30)
    truth[[0, 3, 6]] = "dogs & co"  # embedded among the cats
    asked = Embedded(embeddings(60)[:30], bank.show, bank.names[:30], truth)
    found = gallery_of(bank, asked)
    assert isinstance(found, Gallery)
    assert all(near.hit == (near.label == query.label) for query in found.queries for near in query.neighbours)
    assert not any(near.hit for near in found.queries[0].neighbours)
    confusions = confusions_of(bank, asked)
    assert not isinstance(confusions, Absent)
    (confusion,) = confusions
    assert (confusion.truth, confusion.taken_for, confusion.count, confusion.of) == ("dogs & co", "cats", 3, 13)
    assert confusion.examples == [bank.card(0), bank.card(3), bank.card(6)]


def test_single_mistakes_are_no_habit() -> None:
    bank = samples()
    truth = labels(30)
    truth[[0, 1]] = truth[[1, 0]]
    found = confusions_of(bank, Embedded(embeddings(60)[:30], bank.show, bank.names[:30], truth))
    assert isinstance(found, Absent)
    assert "2 of 30 samples went to a wrong class" in found.why


def test_one_class_confuses_nothing() -> None:
    bank = Embedded(embeddings(), samples().show, samples().names, np.asarray(["cats"] * 60))
    assert isinstance(confusions_of(bank, bank), Absent)


def test_the_spectrum_counts_dimensions_in_words() -> None:
    flat = np.eye(8).repeat(4, axis=0)
    line = np.outer(np.arange(1, 33), np.ones(8))
    found = spectra_of(line, flat)
    assert not isinstance(found, Absent)
    assert [arm.name for arm in found.arms] == ["trained", "untrained"]
    assert found.arms[0].values[0] == 1.0
    assert max(found.arms[0].values[1:]) < 1e-6
    assert found.arms[1].values == pytest.approx([1.0] * 8)
    text = " ".join(found.sentences)
    assert "like 8.0 equally used dimensions of 8" in text
    assert "Warning, trained: complete collapse" in text


def test_the_pairing_says_who_is_who() -> None:
    views = draw(by_views(2, 3), 3)
    assert views.rows[0] == ("a0", [".", "-", "-", "+", "-", "-"])
    assert "other views of the same sample" in views.sentences[0]
    numbers = torch.tensor([0, 0, 1])
    classes = draw(by_labels(numbers, views=2), 3, numbers)
    assert "same class" in classes.sentences[0]
    towers = draw(by_towers(3), 3)
    assert "candidates are another view" in towers.sentences[0]
    queue = draw(by_towers(3, in_batch_negatives=False).with_queue(100), 3)
    assert "Negatives (-): a queue of earlier embeddings." in queue.sentences
    assert "Drawn are 3 of 3 anchors, 24 of 103 candidates." in queue.sentences
    assert len(queue.columns) == len(queue.rows[0][1]) == 24


def test_views_are_of_the_configuration() -> None:
    images = pictures(20)
    encoder = build("small_conv", channels=3, image_size=8, seed=0)
    still = views_of(images, encoder, ImageViews(recipe="none"))
    assert [len(row.views) for row in still.rows] == [6] * 4
    for row in still.rows:
        assert isinstance(row.original, PictureCard)
        assert {view.source for view in row.views if isinstance(view, PictureCard)} == {row.original.source}
    assert still.rows[1].name == "folder/005.png"
    assert still.recipe == "Recipe none: exact copies."
    changed = views_of(images, encoder, ImageViews(recipe="natural"))
    assert isinstance(changed.rows[0].views[0], PictureCard)
    assert changed.rows[0].views[0].source != still.rows[0].original.source  # type: ignore[union-attr]
    assert "grey 20 %" in changed.recipe


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (2, "L"), (3, "RGB")])
def test_a_picture_becomes_a_small_thumbnail(channels: int, mode: str) -> None:
    pixels = torch.full((channels, 200, 200), 200, dtype=torch.uint8)
    card = picture_card(pixels, "a picture")
    head, content = card.source.split(",")
    assert head == "data:image/webp;base64"
    with Image.open(io.BytesIO(base64.b64decode(content))) as picture:
        assert picture.size == (96, 96)
        assert abs(int(np.asarray(picture.convert("L")).mean()) - 200) <= 2
    assert card.hover() == {"image": card.source}


def test_texts_and_rows_are_cut_and_rounded() -> None:
    card = show_texts(["word " * 200])(0)
    assert isinstance(card, TextCard)
    assert len(card.text) <= 400
    assert card.text.endswith("...")
    row = show_rows([[1 / 3, "x", *range(20)]], ["third", "letter", *map(str, range(20))])(0)
    assert isinstance(row, RowCard)
    assert row.cells[:2] == (("third", "0.3333"), ("letter", "x"))
    assert row.cells[-1] == ("10 more", "")
    assert row.hover()["row"].startswith("third = 0.3333, letter = x")


def test_classes_that_are_numbers_are_called_so() -> None:
    pixels = np.zeros((2, 1, 4, 4), np.uint8)
    assert label_names(Images(pixels, np.array([1, 0]))).tolist() == ["class 1", "class 0"]  # type: ignore[union-attr]
    named = Images(pixels, np.array([1, 0]), class_names=["cats", "7"])
    assert label_names(named).tolist() == ["class 7", "cats"]  # type: ignore[union-attr]
    assert label_names(Images(pixels)) is None


def test_lengths_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ArgumentError, match="came with 1 names"):
        Embedded(np.ones((2, 3)), show_texts(["a", "b"]), ["a"])


def test_sizes_read_well() -> None:
    assert [size_in_words(n) for n in (12, 1200, 3_400_000, 5e9)] == ["12 bytes", "1.2 kB", "3.4 MB", "5.0 GB"]


def test_samples_without_a_label_are_no_class() -> None:
    named = Images(np.zeros((4, 1, 4, 4), np.uint8), [0, -1, 1, 1], class_names=["7", "cat"])
    assert label_names(named).tolist() == ["class 7", None, "cat", "cat"]
    names = np.asarray([None, *labels()[1:]], object)
    some = replace(samples(), labels=names)
    drawn = map_of(some)
    assert isinstance(drawn, Map)
    assert None not in drawn.every_class
    assert (drawn.classes[-1].name, drawn.classes[-1].count) == ("not labelled", 1)
    assert (drawn.points[0].label, drawn.points[0].label_slot) == (None, OTHER)
    gallery = gallery_of(some)
    assert isinstance(gallery, Gallery)
    assert all(neighbour.hit is None for neighbour in gallery.queries[0].neighbours)
    mixed = replace(some, embeddings=np.random.default_rng(0).standard_normal((60, 8)))
    rest = replace(
        mixed,
        embeddings=mixed.embeddings[1:],
        show=lambda row: mixed.show(row + 1),
        names=mixed.names[1:],
        labels=names[1:],
    )
    others = np.asarray([None, *np.roll(labels()[1:], 1)], object)  # each sample is mistaken for the class of another
    found = confusions_of(replace(mixed, labels=others), mixed)
    assert found == confusions_of(replace(rest, labels=others[1:]), rest) != []
