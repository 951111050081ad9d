"""`contrapose compare`: runs side by side, paired over the same items or refused in one sentence."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import contrapose
from contrapose.cli import main
from contrapose.commands.compare import compare
from contrapose.commands.comparison import Comparison, Difference
from contrapose.commands.evaluation_items import Scores
from contrapose.errors import ArgumentError, DataError, RunError
from contrapose.evaluation import Metric, paired_difference
from contrapose.training.run_folder import RunFolder

QUICK = {"epochs": 1, "batch_size": 16, "projection_hidden": 16, "projection_dimension": 8, "quiet": True}


def labelled(path: Path, *, seed: int = 0, count: int = 96) -> str:
    """Noisy pictures of three classes."""
    random = np.random.default_rng(seed)
    base = np.random.default_rng(0).integers(0, 255, size=(3, 12, 12, 3))
    noise = random.integers(-200, 200, size=(count, 12, 12, 3))
    pixels = (np.repeat(base, count // 3, axis=0) + noise).clip(0, 255).astype(np.uint8)
    np.savez(path, images=pixels, labels=np.repeat([0, 1, 2], count // 3))
    return str(path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data and three evaluated runs: `a`, `b` of another temperature, and `c` of another method."""
    root = tmp_path_factory.mktemp("compare")
    data = labelled(root / "data.npz")
    for name, method, options in (("a", "simclr", {}), ("b", "simclr", {"temperature": 0.5}), ("c", "mmcl", {})):
        run = contrapose.train(method, data=data, out=str(root / name), **QUICK, **options)
        contrapose.evaluate(run.path, data=data, k=5, quiet=True)
    return root


@pytest.fixture
def runs(made: Path, tmp_path: Path) -> Path:
    """The same in a folder of the test, which it may change."""
    shutil.copytree(made, tmp_path / "runs")
    return tmp_path / "runs"


def items(run: Path) -> Scores:
    return Scores.read(run, run / "evaluation_items.npz", run / "encoder")


def test_the_difference_is_the_paired_one_of_the_kept_items(runs: Path) -> None:
    found = compare([runs / "a", runs / "b"])
    a, b = (items(runs / name).arms["trained"]["kNN"] for name in "ab")
    expected = paired_difference(b.items, a.items)
    difference = found.difference("b", "kNN")
    assert difference is not None
    assert (difference.value, difference.low, difference.high) == expected
    assert difference.value == pytest.approx(b.value - a.value)
    assert str(a) in found.text()
    assert str(difference) in found.text()
    assert list(found.rows) == ["a", "b", "untrained (floor)", "raw pixels (floor)"]
    raw = found.difference("raw pixels (floor)", "kNN")
    assert raw is not None
    assert raw.verdict == "better"


def test_the_baseline_can_be_chosen_and_turns_the_sign(runs: Path) -> None:
    one = compare([runs / "a", runs / "b"]).difference("b", "linear probe")
    found = compare([runs / "a", runs / "b"], baseline=runs / "b")
    other = found.difference("a", "linear probe")
    assert one is not None
    assert other is not None
    assert found.baseline == "b"
    assert next(iter(found.rows)) == "b"
    assert (other.value, other.low) == pytest.approx((-one.value, -one.high), abs=0.06)
    with pytest.raises(ArgumentError, match=r"baseline bb is not among the runs\. Did you mean 'b'"):
        compare([runs / "a", runs / "b"], baseline="bb")


def test_only_options_that_differ_are_listed(runs: Path) -> None:
    assert compare([runs / "a", runs / "b"]).options == {"temperature": {"a": 0.2, "b": 0.5}}
    found = compare([runs / "a", runs / "b", runs / "c"])
    assert found.options["method"] == {"a": "simclr", "b": "simclr", "c": "mmcl"}
    assert "c" not in found.options["temperature"]
    assert found.options["sigma"].keys() == {"c"}
    line = next(line for line in found.text().splitlines() if line.startswith("temperature"))
    assert line.split() == ["temperature", "0.2", "0.5", "-"]


def test_with_data_the_runs_are_measured_here_and_left_alone(runs: Path) -> None:
    shutil.rmtree(runs / "c" / "checkpoints")
    (runs / "c" / "evaluation_items.npz").unlink()
    before = {path: path.read_bytes() for path in runs.rglob("*") if path.is_file()}
    other = labelled(runs.parent / "other.npz", seed=1, count=60)
    found = compare([runs / "a", runs / "c"], data=other, k=3, seed=2, quiet=True)
    assert {path: path.read_bytes() for path in runs.rglob("*") if path.is_file()} == before
    assert "k = 3" in found.rows["c"]["kNN"].protocol
    assert found.alike.keys() == {("a", "c")}
    assert -0.5 < found.alike["a", "c"] < 1
    assert "CKA" in found.text()


def test_the_command_prints_and_writes_json(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["compare", str(runs / "a"), str(runs / "b"), "--out", str(runs / "out.json")])
    printed = capsys.readouterr().out
    assert "options that differ" in printed
    written = json.loads((runs / "out.json").read_text())
    assert written["baseline"] == "a"
    assert written["rows"]["a"]["kNN"]["difference"] is None
    assert written["rows"]["b"]["kNN"]["difference"]["verdict"] in ("better", "worse", "not resolved")
    assert written["options"] == {"temperature": {"a": 0.2, "b": 0.5}}


def test_what_cannot_be_paired_is_refused_in_one_sentence(runs: Path) -> None:
    data = str(runs / "data.npz")
    contrapose.evaluate(runs / "b", data=data, k=5, seed=1, quiet=True)
    with pytest.raises(DataError, match="a and b cannot be paired: seed was 0 in one and 1 in the other"):
        compare([runs / "a", runs / "b"])
    contrapose.evaluate(runs / "b", data=data, k=7, quiet=True)
    with pytest.raises(DataError, match="cannot be paired: k was 5 in one and 7 in the other"):
        compare([runs / "a", runs / "b"])
    contrapose.evaluate(runs / "b", data=labelled(runs.parent / "new.npz", seed=1), k=5, quiet=True)
    with pytest.raises(DataError, match="their test sets hold samples of the same names that are not the same"):
        compare([runs / "a", runs / "b"])
    contrapose.evaluate(runs / "b", data=data, limit=60, k=5, quiet=True)
    with pytest.raises(DataError, match="their test sets hold 18 and 12 samples"):
        compare([runs / "a", runs / "b"])


def test_mistakes_are_one_sentence_each(runs: Path) -> None:
    with pytest.raises(ArgumentError, match="two runs or more; got 1"):
        compare([runs / "a"])
    with pytest.raises(ArgumentError, match="a was given twice"):
        compare([runs / "a", runs / "b" / ".." / "a"])
    with pytest.raises(RunError, match="is not a run folder"):
        compare([runs / "a", runs / "nowhere"])
    for option in ({"test_data": "x"}, {"limit": 5}, {"full": True}, {"task": "regression"}, {"number_column": "x"}):
        with pytest.raises(ArgumentError, match=r"test_data, .*limit and full go with data"):
            compare([runs / "a", runs / "b"], **option)
    (runs / "b" / "evaluation_items.npz").unlink()
    with pytest.raises(RunError, match=r"b has no scores to compare.*contrapose evaluate .*b --data"):
        compare([runs / "a", runs / "b"])


def rewrite(run: Path, metrics: dict[str, Metric]) -> None:
    old = items(run)
    Scores(old.data, old.setting, {**old.arms, "trained": metrics}).save(RunFolder(run).evaluation_items_file)


def test_metrics_that_not_all_have_are_left_out_or_refused(runs: Path) -> None:
    own = items(runs / "b").arms["trained"]
    rewrite(runs / "b", {"kNN": own["kNN"]})
    found = compare([runs / "a", runs / "b"])
    assert found.metrics == ["kNN"]
    assert "Note: not every run has linear probe, so that is left out." in found.text()
    rewrite(runs / "b", {"other": own["kNN"]})
    with pytest.raises(DataError, match="no metric in common: kNN, linear probe against other"):
        compare([runs / "a", runs / "b"])


def test_runs_of_one_name_are_told_apart_by_their_paths(runs: Path) -> None:
    shutil.copytree(runs / "b", runs / "deeper" / "a")
    found = compare([runs / "a", runs / "deeper" / "a"])
    assert list(found.rows)[:2] == [str(runs / "a"), str(runs / "deeper" / "a")]


def test_stale_scores_and_other_resolutions_are_noted(runs: Path) -> None:
    (runs / "b" / "encoder" / "encoder.safetensors").touch()
    assert "Note: the scores of b are older than its weights" in compare([runs / "a", runs / "b"]).text()
    run = contrapose.train("simclr", data=str(runs / "data.npz"), image_size=8, out=str(runs / "small"), **QUICK)
    contrapose.evaluate(run.path, data=str(runs / "data.npz"), k=5, quiet=True)
    text = compare([runs / "a", runs / "small"]).text()
    assert "saw the pictures in different shapes (a 3 x 12 x 12, small 3 x 8 x 8)" in text


@pytest.mark.parametrize(
    ("gain", "percent", "verdict"),
    [(0.3, True, "better"), (-0.3, True, "worse"), (0.3, False, "higher"), (-0.3, False, "lower")],
)
def test_the_verdict_in_words(gain: float, percent: bool, verdict: str) -> None:
    base = np.random.default_rng(0).random(200)
    one = Metric.from_items("m", base, protocol="", percent=percent)
    found = Difference.between(Metric.from_items("m", base + gain, protocol="", percent=percent), one)
    assert found is not None
    assert found.verdict == verdict
    level = Difference.between(Metric.from_items("m", np.random.default_rng(1).random(200), protocol=""), one)
    assert level is not None
    assert level.verdict == "not resolved"


def test_numbers_that_are_no_mean_over_items_are_not_paired() -> None:
    rows = {name: {"NMI": Metric("NMI", 0.5, 0.4, 0.6, "5 seeds", 30)} for name in "ab"}
    found = Comparison("pictures", "a", rows, {}, {})
    assert found.difference("b", "NMI") is None
    assert "cannot be paired" in found.text()
    assert found.to_dict()["rows"]["b"]["NMI"]["difference"] is None


def test_runs_on_different_kinds_of_data_are_refused(runs: Path) -> None:
    file = runs / "b" / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "modality": "text"}))
    for options in ({}, {"data": str(runs / "data.npz")}):
        with pytest.raises(ArgumentError, match="a learned from pictures and b from texts: nothing can be measured"):
            compare([runs / "a", runs / "b"], quiet=True, **options)


@pytest.mark.parametrize(("gap", "verdict"), [(0.3, "worse"), (-0.3, "better")])
def test_of_an_error_less_is_better(gap: float, verdict: str) -> None:
    base = np.random.default_rng(0).random(200)
    rows = {
        name: {"MAE": Metric.from_items("MAE", items, protocol="", percent=False, better="lower")}
        for name, items in (("a", base), ("b", base + gap))
    }
    found = Comparison("rows", "a", rows, {}, {})
    assert found.difference("b", "MAE").verdict == verdict
    assert f"{gap:+.4g} [{gap:+.4g}, {gap:+.4g}] {verdict}" in found.text()
    assert "in the units of each measure, over the same items" in found.text()
