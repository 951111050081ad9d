"""The benchmark beside peers: every row runs where the peers are not installed, compares like with like, says which
target was hit, and makes the page from its records."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
pytest.importorskip("peers.row")
from peers import command, environment, growth, page  # noqa: E402
from peers.child import Worker  # noqa: E402
from peers.children import ArmError, Child  # noqa: E402
from peers.measure import measure  # noqa: E402
from peers.row import OURS, Arm, Row, Target, memory_of, time_of, times_faster  # noqa: E402
from peers.rows import ROWS, large_batch, losses, neighbours, pictures  # noqa: E402

from contrapose import evaluation  # noqa: E402


class Here:
    """An arm in this process, which takes no seconds to start."""

    def __init__(self, row: Row, arm: str, settings: Any, folder: Path) -> None:
        self.worker = Worker(row, arm, settings, folder / f"{arm.replace(' ', '_')}.npz")

    def ask(self, line: str) -> dict[str, Any]:
        return self.worker.serve(line)

    def answers(self) -> dict[str, np.ndarray]:
        with np.load(self.worker.answer) as held:
            return dict(held)

    def stop(self) -> None:
        pass


def quick(row: Row, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr("peers.measure.LEAST_SECONDS", 0.001)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    start = lambda name, arm, settings, folder: Here(row, arm, settings, folder)  # noqa: E731
    return measure(row, start, ArmError, quick=True)


ONLY_LARGER = {"nt_xent_2048", "nt_xent_8192", "views_96", "mmcl_1024"}  # in small the same as others


@pytest.mark.parametrize("name", [name for name in ROWS if name not in ONLY_LARGER])
def test_a_row_runs_without_its_peers(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for missing in ("lightly", "pytorch_metric_learning", "kornia", "albumentations", "open_clip"):
        monkeypatch.setitem(sys.modules, missing, None)
    if name == "readings" and not hasattr(evaluation, "neighbourhood"):
        pytest.skip("no pass that reads all of them yet")
    record = quick(ROWS[name], monkeypatch)
    json.dumps(record)
    assert record["arms"][OURS]["seconds"] > 0
    for peer, arm in record["arms"].items():
        if "seconds" not in arm:
            assert "is not installed" in arm["skipped"], peer
        elif peer != OURS and ROWS[name].arms[peer].beside:
            assert record["ratios"][peer]["median"] == pytest.approx(1, rel=1e4)
    compared = record["agreement"]
    assert all(found["agrees"] for found in compared.values()), compared
    assert all(target["hit"] is not None or target["measured"] is None for target in record["targets"])


def counting(answer: float, seconds: float) -> Arm:
    return Arm(lambda settings: lambda: {"seconds": seconds, "loss": answer, "classes": np.array([1, 2, 3])})


def small_row(**arms: Arm) -> Row:
    targets = (
        Target("time", time_of("peer"), at_most=0.5),
        Target("times", times_faster("peer"), at_least=5.0),
        Target("memory", memory_of("nobody"), at_most=1.0),
    )
    return Row("small", "a figure", arms, {}, {}, targets, seconds=0.1, tolerances={"loss": 1e-3, "classes": 0.0})


def test_ratios_targets_and_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    record = quick(small_row(contrapose=counting(2.0, 1.0), peer=counting(2.1, 4.0)), monkeypatch)
    assert record["ratios"]["peer"]["median"] == 0.25
    assert [target["hit"] for target in record["targets"]] == [True, False, None]
    assert record["agreement"]["peer"]["differences"] == {"loss": pytest.approx(0.05), "classes": 0.0}
    assert record["agreement"]["peer"]["agrees"] is False


def test_what_cannot_be_measured_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(settings: Any) -> Any:
        raise ModuleNotFoundError("No module named 'nobody_has_this'", name="nobody_has_this")

    huge = Arm(counting(2.0, 1.0).prepare, lambda settings: 10**18)
    record = quick(small_row(contrapose=counting(2.0, 1.0), peer=huge, other=Arm(broken)), monkeypatch)
    assert "does not fit" in record["arms"]["peer"]["skipped"]
    assert record["arms"]["other"]["skipped"] == "nobody_has_this is not installed"
    assert record["ratios"] == {}


def test_a_slow_arm_is_asked_less_and_its_first_call_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = counting(2.0, 500.0)
    record = quick(small_row(contrapose=counting(2.0, 1.0), peer=slow), monkeypatch)
    assert record["arms"]["peer"]["rounds"] == [500.0]
    assert record["ratios"]["peer"]["median"] == 1 / 500


@pytest.mark.skipif(not hasattr(__import__("select"), "poll"), reason="pipes are waited for with select")
def test_an_arm_in_a_process_of_its_own(tmp_path: Path) -> None:
    settings = {**ROWS["mmcl_256"].settings, **ROWS["mmcl_256"].quick, "threads": 1}
    child = Child("mmcl_256", OURS, settings, tmp_path)
    try:
        assert child.ask("prepare") == {"ready": True}
        assert child.ask("first")["peak_bytes"] >= 0
        assert child.ask("again 3")["seconds"] > 0
        assert child.answers()["weights"].shape == (24, 24)
        child.process.kill()
        with pytest.raises(ArmError, match="killed"):
            child.ask("again 1")
    finally:
        child.stop()


def test_products_are_counted_in_place_too() -> None:
    counted: list[int] = []
    a, b, out = torch.ones(4, 8), torch.ones(8, 2), torch.empty(4, 2)
    with large_batch.products_counted(counted):
        torch.mm(a, b, out=out)
        out.addmm_(a, b)
    assert counted == [2 * 2 * 4 * 8 * 2]


def test_the_whole_loss_is_that_of_the_whole_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"pairs": 24, "dimensions": 8, "temperature": 0.5}
    monkeypatch.setattr(large_batch, "BLOCK", 7)
    dense = losses.dense(settings)()
    assert large_batch.whole_loss(settings)["loss"] == pytest.approx(float(dense["loss"]), abs=1e-5)


def test_the_pictures_and_the_classes_are_such_that_there_is_something_to_compare() -> None:
    shapes = pictures.pictures({"batch": 2, "side": 32})
    assert shapes.shape == (2, 3, 32, 32)
    assert 20 < shapes.float().std() < 90
    bank, labels, asked, truth = neighbours.embeddings({**neighbours.SETTINGS, **neighbours.QUICK})
    assert len(bank) == len(labels) == 2_000
    assert len(asked) == len(truth) == 600


def test_the_environment_takes_torch_first_and_peers_without_their_dependencies(tmp_path: Path) -> None:
    asked: list[list[str]] = []
    python = environment.python_of(tmp_path)
    python.parent.mkdir()
    python.write_text("")
    assert environment.make(tmp_path, lambda command: asked.append(list(command))) == python
    first, peers, needed, own = (command[5:] for command in asked)
    assert first == ["torch==2.13.0"]
    assert peers[0] == "--no-deps"
    assert {"lightly==1.6.0", "pytorch-metric-learning==2.9.0"} <= set(peers)
    assert "torch==2.13.0" in needed
    assert any(name.startswith("tyro") for name in needed)
    assert own == ["--no-deps", "--editable", str(BENCHMARKS.parent)]
    asked.clear()
    environment.make(tmp_path, lambda command: asked.append(list(command)))
    assert asked == []  # it is ready


def test_all_goes_on_where_it_was_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    made = lambda name, quick: {"environment": {"commit": "abc"}, "quick": quick}  # noqa: E731
    monkeypatch.setattr(command, "_row", lambda name, quick: done.append(name) or made(name, quick))
    monkeypatch.setattr("contrapose.environment.commit", lambda: "abc")
    arguments = ["--all", "--here", "--out", str(tmp_path)]
    (tmp_path / "knn.json").write_text(json.dumps(made("knn", False)))
    (tmp_path / "mmcl_256.json").write_text(json.dumps(made("mmcl_256", True)))
    command.main(arguments)
    assert done == [name for name in ROWS if name != "knn"]
    done.clear()
    command.main(arguments)
    assert done == []


def record_of(name: str) -> dict[str, Any]:
    where = {
        "commit": "abc",
        "machine": {"processor": "a processor", "cores": 2, "memory_gib": 24.0},
        "versions": {"python": "3.12", "torch": "2.13", "numpy": "2", "scikit-learn": "1.9"},
        "peers": {"lightly": "1.6.0"},
    }
    ratio = {"median": 0.3, "least": 0.2, "most": 0.4, "rounds": 5, "memory": 0.02}
    return {
        "row": name,
        "figure": f"figure of {name}",
        "quick": False,
        "arms": {
            OURS: {"seconds": 0.0123, "peak_bytes": 2_000_000},
            "lightly": {"seconds": 0.041, "peak_bytes": 3_100_000_000},
            "other": {"skipped": "does not fit: it takes 40 GB"},
        },
        "ratios": {"lightly": ratio},
        "agreement": {"lightly": {"differences": {"loss": 0.5}, "agrees": False}},
        "targets": [
            {"words": "time of lightly", "at_most": 0.2, "measured": 0.3, "hit": False},
            {"words": "times as fast", "at_least": 500.0, "measured": 1234.0, "hit": True},
        ],
        "environment": where,
    }


def test_the_page_says_what_the_records_say(tmp_path: Path) -> None:
    record = record_of("nt_xent_256")
    (tmp_path / "nt_xent_256.json").write_text(json.dumps(record))
    (tmp_path / "knn.json").write_text(json.dumps({**record_of("knn"), "quick": True}))
    (tmp_path / "reasons.json").write_text(json.dumps({"nt_xent_256": "The masks."}))
    written = page.page(page.records(tmp_path))
    (line,) = [line for line in written.splitlines() if line.startswith("| figure of")]
    cells = [cell.strip() for cell in line.strip("|").split(" | ")]
    assert cells[0] == "figure of nt_xent_256<br>`python benchmarks/peers nt_xent_256`"
    assert cells[1:3] == ["12.3 ms", "lightly: 41 ms<br>other: does not fit: it takes 40 GB"]
    assert cells[3] == "lightly: 0.3 [0.2, 0.4], **values differ**"
    assert cells[4] == "contrapose: 2 MB<br>lightly: 3.10 GB"
    assert cells[6] == "0.3: **missed**<br>1,234: hit"
    assert "0.3 where at most 0.2 was aimed at, 50% off. The masks." in written
    assert "a processor, 2 cores, 24 GiB" in written


def test_the_page_says_how_costs_grow(tmp_path: Path) -> None:
    rows = [
        {"work": work, "pictures": count, "milliseconds_each": each, "flat": flat, "anonymous_bytes": held}
        for work, count, each, flat, held in (
            ("embed", 1_000, 0.5, 1.0, 200e6),
            ("embed", 10_000, 0.54, 1.08, 210e6),
            ("evaluate", 1_000, 1.0, 1.0, 200e6),
            ("evaluate", 10_000, 1.3, 1.3, 900e6),
        )
    ]
    (tmp_path / "growth.json").write_text(json.dumps({"rows": rows}))
    written = growth.table(tmp_path / "growth.json").splitlines()
    assert written[-2] == "| embed | 0.5, 0.54 | 1.08: hit | 200, 210 | 1.05: hit |"
    assert written[-1] == "| evaluate | 1, 1.3 | 1.3: **missed** | 200, 900 | 4.5: **missed** |"
    assert growth.table(tmp_path / "nowhere.json") == ""


def test_the_page_is_of_the_records() -> None:
    assert command.PAGE.read_text() == page.page(page.records(command.RESULTS)), "run: python benchmarks/peers --page"
