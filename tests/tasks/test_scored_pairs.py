"""Scored pairs: which columns they are, what is left out, and that people's order is found."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.stats import pearsonr, spearmanr

import contrapose
from contrapose.cli import main
from contrapose.commands.compare import compare
from contrapose.commands.evaluate import measure
from contrapose.commands.report import report
from contrapose.data import Samples
from contrapose.data.tables.opening import table_of
from contrapose.data.tables.pairs import PairColumns, pair_columns, read_pairs
from contrapose.encoders import Encoder
from contrapose.errors import ArgumentError, DataError
from contrapose.tasks import Given, Measurement, Targets
from contrapose.tasks.scored_pairs import SCORED_PAIRS


def prepared(given: Callable[..., Given], encoder: Encoder, data: Any, **options: Any) -> Measurement:
    found = given(encoder, data, **options)
    assert SCORED_PAIRS.possible(found)
    return SCORED_PAIRS.prepare(found)


@pytest.mark.parametrize(
    ("names", "columns"),
    [
        (["sentence1", "sentence2", "score"], PairColumns("sentence1", "sentence2", "score")),
        (["Text_A", "Text_B", "Similarity", "year"], PairColumns("Text_A", "Text_B", "Similarity", "year")),
        (["premise", "hypothesis", "x"], PairColumns("premise", "hypothesis", "x")),
        (["question1", "question2", "label", "dataset"], PairColumns("question1", "question2", "label", "dataset")),
        (["sentence1", "sentence2"], None),
        (["sentence1", "text2", "score"], None),
        (["image1", "image2", "score"], None),
        (["sentence1", "score"], None),
    ],
)
def test_columns_by_their_usual_names(names: list[str], columns: PairColumns | None) -> None:
    sides = ("sentence", "text", "premise", "hypothesis", "question", "image")
    kinds: dict[str, Any] = {name: "text" if name.lower().startswith(sides) else "number" for name in names}
    assert pair_columns(kinds, "text") == columns
    assert (pair_columns(kinds, "image") is not None) == (names[0] == "image1")


def test_columns_that_were_asked_for() -> None:
    kinds: dict[str, Any] = {"left": "text", "right": "text", "n": "number", "m": "number"}
    assert pair_columns(kinds, "text") is None
    assert pair_columns(kinds, "text", asked=("left", "right")) is None, "of two numbers, none is the score"
    assert pair_columns(kinds, "text", asked=("left", "right"), score="m") == PairColumns("left", "right", "m")
    for asked, said in ((("left",), "two columns"), (("left", "rigth"), "'right'"), (("left", "n"), "holds no texts")):
        with pytest.raises(ArgumentError, match=said):
            pair_columns(kinds, "text", asked=asked)


def test_rows_without_a_side_or_a_score_are_left_out_and_counted(pairs: dict[str, Any]) -> None:
    pairs["sentence1"][0], pairs["sentence2"][1], pairs["score"][2] = None, "  ", None
    table = table_of({**pairs, "split": ["train"] * 10 + ["test"] * 30})
    assert table is not None
    found = read_pairs(table, PairColumns("sentence1", "sentence2", "score", "year"))
    assert len(found.first) == len(found.second) == len(found.scores) == 37
    assert found.first[0] == pairs["sentence1"][3]
    assert found.subsets is not None
    assert found.subsets[[0, -1]].tolist() == ["2012", "2013"]
    assert "3 rows without a side or a score left out" in found.notes
    assert "column 'split' tells parts apart (train 10, test 30), and all of them are measured" in found.notes


def test_correlations_are_those_of_scipy_on_all_and_on_each_subset(
    given: Callable[..., Given], of_texts: Encoder, pairs: dict[str, Any]
) -> None:
    random = np.random.default_rng(0)
    first, second, scores = random.normal(size=(40, 3)), random.normal(size=(40, 3)), np.asarray(pairs["score"])
    cosine = (first * second).sum(1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
    metrics, rows = prepared(given, of_texts, pairs, full=True)(lambda samples: np.concatenate([first, second]))
    assert rows.shape == (80, 3)
    for name, part in (("all", slice(None)), ("2012", slice(0, 20)), ("2013", slice(20, 40))):
        assert metrics[f"Spearman, {name}"].value == pytest.approx(spearmanr(cosine[part], scores[part]).statistic)
        assert metrics[f"Pearson, {name}"].value == pytest.approx(pearsonr(cosine[part], scores[part]).statistic)
    assert metrics["Spearman, all"].count == 40
    mean = metrics["Spearman, mean"]
    assert mean.value == pytest.approx((metrics["Spearman, 2012"].value + metrics["Spearman, 2013"].value) / 2)
    assert mean.low < mean.value < mean.high
    plain = {name: values for name, values in pairs.items() if name != "year"}
    found = prepared(given, of_texts, plain)
    assert list(found(lambda samples: np.concatenate([first, second]))[0]) == ["Spearman", "Pearson"]


def test_word_counts_know_of_shared_words(
    given: Callable[..., Given], of_texts: Encoder, pairs: dict[str, Any]
) -> None:
    found = prepared(given, of_texts, pairs)
    counts = found(given(of_texts, pairs).modality.floor(found.known))[0]
    assert counts["Spearman, all"].low > 0.8
    assert "word counts are TF-IDF, fitted to the texts of these pairs" in found.notes


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"score": [3.0] * 40}, "All 40 scores of a dictionary are 3: there is no order"),
        ({"score": [1.0] + [None] * 39}, "has 1 scored pair: give 3 or more"),
        ({"sentence1": [""] * 40}, "has no row with sentence1, sentence2 and score"),
        ({"score": [None] * 40}, "holds no number"),
    ],
)
def test_pairs_that_tell_nothing_are_refused(
    change: dict[str, Any], said: str, given: Callable[..., Given], of_texts: Encoder, pairs: dict[str, Any]
) -> None:
    with pytest.raises(DataError, match=said):
        prepared(given, of_texts, {**pairs, **change}, targets=Targets(number_column="score"))


def test_a_subset_without_an_order_is_not_measured_by_itself(
    given: Callable[..., Given], of_texts: Encoder, pairs: dict[str, Any]
) -> None:
    pairs["score"][:20] = [1.0] * 20
    found = prepared(given, of_texts, pairs, limit=30)
    random = np.random.default_rng(0)
    metrics, _ = found(lambda samples: random.normal(size=(len(samples), 3)))
    assert not {"Spearman, 2012", "Spearman, mean"} & {*metrics}
    assert metrics["Spearman, 2013"].count == 15
    assert any(note.startswith("2012 is not measured by itself: All gold scores are equal") for note in found.notes)


def test_test_data_have_no_place(given: Callable[..., Given], of_texts: Encoder, pairs: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match="--test-data has no place"):
        prepared(given, of_texts, pairs, test_data=pairs)


def test_pictures_are_pairs_by_their_paths(
    given: Callable[..., Given], of_pictures: Encoder, pictures: np.ndarray, tmp_path: Path
) -> None:
    pytest.importorskip("polars")
    for number, picture in enumerate(pictures[::8]):
        Image.fromarray(picture.transpose(1, 2, 0)).save(tmp_path / f"{number}.png")
    lines = [f"{a}.png,{b}.png,{a // 4 == b // 4:d}" for a in range(12) for b in range(a)]
    (tmp_path / "pairs.csv").write_text("image1,image2,score\n" + "\n".join(lines) + "\n")
    found = prepared(given, of_pictures, str(tmp_path / "pairs.csv"))

    def raw(samples: Samples) -> np.ndarray:
        shown = given(of_pictures, None).modality.floor(samples)(samples)
        return shown - shown.mean(axis=0)

    assert found(raw)[0]["Spearman"].low > 0.5
    (tmp_path / "3.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"sides of pairs .* cannot be read \(first: .*3\.png"):
        prepared(given, of_pictures, str(tmp_path / "pairs.csv"))


@pytest.fixture
def run(tmp_path: Path, pairs: dict[str, Any]) -> Path:
    pl = pytest.importorskip("polars")
    pl.DataFrame(pairs).write_csv(tmp_path / "sts.csv")
    options = {"epochs": 1, "batch_size": 16, "encoder": "bag_of_words", "max_length": 8, "quiet": True}
    contrapose.train("simclr", data=pairs["sentence1"], out=str(tmp_path / "run"), **options)
    return tmp_path / "run"


def test_the_command_measures_pairs_beside_floors_and_compares_them(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["evaluate", str(run), "--data", str(run.parent / "sts.csv")])
    shown = capsys.readouterr().out
    assert "40 scored pairs\nTask: scored-pairs\n" in shown
    record = json.loads((run / "evaluation.json").read_text())
    assert record["task"] == "scored-pairs"
    assert list(record["arms"]) == ["trained", "untrained", "word counts"]
    names = ["Spearman, all", "Pearson, all", "Spearman, mean", "Spearman, 2012", "Spearman, 2013"]
    assert list(record["arms"]["trained"]) == names
    assert "Spearman, all" in record["gain"]["sentence"]
    shutil.copytree(run, run.parent / "again")
    found = compare([run, run.parent / "again"])
    gap = found.difference("again", "Spearman, all")
    assert gap is not None
    assert (gap.value, gap.low, gap.high) == (0, 0, 0)
    floor = found.difference("word counts (floor)", "Spearman, all")
    assert floor is not None
    assert floor.verdict in ("better", "not resolved")


def test_the_page_of_pairs_shows_their_table(run: Path) -> None:
    pytest.importorskip("altair")
    contrapose.evaluate(run, data=run.parent / "sts.csv", quiet=True)
    page = report(run, data=run.parent / "sts.csv", quiet=True).read_text()
    assert "task scored-pairs" in page
    assert "Spearman, 2013" in page


def test_the_sts_benchmark(
    shared_data: Callable[[str], Path], saved: Callable[[Encoder], Path], of_texts: Encoder
) -> None:
    found = measure(saved(of_texts), data=shared_data("sts/stsb.parquet"), limit=400, quiet=True)
    assert found.task == "scored-pairs"
    counts = found.arms["word counts"]["Spearman, all"]
    assert counts.count == 400
    assert 0.4 < counts.value < 0.8, "word overlap alone is known to give about 0.6"
    assert any("tells parts apart (train 5,749, dev 1,500, test 1,379)" in note for note in found.notes)
