"""Histories of items go all the way: train, resume, evaluate, compare, embed, search, apply, report, start from."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import contrapose
from contrapose.cli import main
from contrapose.commands.data_check import data_check
from contrapose.data.items import open_items
from contrapose.errors import ArgumentError, ContraposeError

pl = pytest.importorskip("polars")

GOODS = ["Soap", "Comb", "Brush", "Cream", "Towel", "Razor", "Scent", "Sponge", "Mirror", "Powder"]


@pytest.fixture
def clicks(tmp_path: Path) -> str:
    """40 customers who go through ten goods one after the other, from anywhere."""
    random = np.random.default_rng(0)
    rows = [
        {"customer": f"c{who}", "sku": f"s{(start + step) % 10}", "when": f"2024-07-{1 + step:02d}"}
        for who, start in enumerate(random.integers(0, 10, 40).tolist())
        for step in range(6)
    ]
    pl.DataFrame(rows).sample(fraction=1, shuffle=True, seed=0).write_csv(tmp_path / "clicks.csv")
    pl.DataFrame({"sku": [f"s{n}" for n in range(10)], "title": GOODS}).write_csv(tmp_path / "titles.csv")
    return str(tmp_path / "clicks.csv")


COLUMNS = ("--user-column", "customer", "--item-column", "sku", "--time-column", "when")


@pytest.fixture
def run(clicks: str, tmp_path: Path) -> Path:
    path = tmp_path / "run"
    titles = ("--titles", str(tmp_path / "titles.csv"))
    small = ("--projection-hidden", "8", "--projection-dimension", "8", "--encoder", "item_bag")
    words = ["train", "simclr", "--data", clicks, *COLUMNS, *titles, *small, "--epochs", "2", "--batch-size", "16"]
    main([*words, "--out", str(path)])
    return path


def test_a_run_on_a_users_own_file_does_all_that_runs_do(
    capsys: pytest.CaptureFixture[str], run: Path, clicks: str, tmp_path: Path
) -> None:
    said = capsys.readouterr().out
    assert f"Recommend:       contrapose apply {run} {clicks} --out recommendations.csv" in said
    assert f"Is it any good?  contrapose evaluate {run}\n" in said
    record = json.loads((run / "config.json").read_text())
    assert record["modality"] == "items"
    assert record["data"]["hold_out"] == 2
    main(["train", "--resume", str(run), "--epochs", "3"])
    capsys.readouterr()

    main(["evaluate", str(run)])
    said = capsys.readouterr().out
    assert "the last item of 40 users among all 10 items" in said
    assert "Task: ranking" in said
    assert {"trained", "untrained", "item counts", "popularity", "after the last"} <= set(
        json.loads((run / "evaluation.json").read_text())["arms"]
    )
    found = contrapose.evaluate(run, mask_seen=True, quiet=True)
    assert any("took before are left out" in note for note in found.notes)
    assert len(found.arms["trained"]["NDCG@10"].items) == 40

    out = tmp_path / "z.parquet"
    main(["embed", str(run), clicks, "--out", str(out)])
    assert len(pl.read_parquet(out)) == 40
    capsys.readouterr()
    main(["search", str(run), clicks, "--in", clicks, "-k", "1", "--limit", "40"])
    said = capsys.readouterr().out
    assert said.startswith("c")
    assert " > " in said
    assert any(name in said for name in GOODS), "items by their titles, which the encoder kept"
    main(["search", str(run), "s3, s4", "--in", clicks, "-k", "1"])
    assert capsys.readouterr().out.strip().startswith("1 ")


def test_apply_writes_ten_items_a_user_without_those_taken_before(
    run: Path, clicks: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "next.csv"
    main(["apply", str(run), clicks, "--out", str(out)])
    said = capsys.readouterr()
    assert "Wrote 10 items for each of 40 users to" in said.out
    assert "Items that a user took before are left out" in said.err
    assert "--hold-out 0" in said.err
    table = pl.read_csv(out)
    assert table.columns == ["user", "rank", "item", "score", "title"]
    taken = pl.read_csv(clicks)
    for user in ("c0", "c7"):
        rows = table.filter(pl.col("user") == user)
        assert rows["rank"].to_list() == [1, 2, 3, 4], "ten items but for the six that were taken"
        assert not set(rows["item"]) & set(taken.filter(pl.col("customer") == user)["sku"])
        assert rows["score"].is_sorted(descending=True)
        assert rows["title"].to_list() == [GOODS[int(item[1:])] for item in rows["item"]]
    contrapose.apply(run, clicks, out=tmp_path / "next.parquet", count=3, mask_seen=False, quiet=True)
    assert len(pl.read_parquet(tmp_path / "next.parquet")) == 3 * 40
    new = [["s1", "s2", "unheard of"], ["s5"]]
    found = contrapose.apply(run, new, out=tmp_path / "new.jsonl", count=2, quiet=True)
    assert any("'unheard of'" in note for note in found.notes)
    assert pl.read_ndjson(tmp_path / "new.jsonl")["user"].to_list() == ["0", "0", "1", "1"]
    with pytest.raises(ArgumentError, match="count is 0"):
        contrapose.apply(run, new, out=tmp_path / "new.csv", count=0)


def test_scores_are_those_of_the_table_and_the_best_come_first(run: Path, tmp_path: Path) -> None:
    embedder = contrapose.load(run)
    data = embedder.open([["s1", "s2"], ["s5", "s9", "s0"]])
    scores = embedder.embed(data) @ embedder.encoder.table[1:].detach().numpy().T
    contrapose.apply(run, data, out=tmp_path / "all.parquet", mask_seen=False, quiet=True)
    table = pl.read_parquet(tmp_path / "all.parquet")
    for row in (0, 1):
        mine = table.filter(pl.col("user") == str(row))
        order = np.argsort(-scores[row], kind="stable")
        assert mine["item"].to_list() == [data.item_names[item] for item in order]
        np.testing.assert_allclose(mine["score"].to_numpy(), scores[row][order], rtol=1e-5)


def test_another_run_starts_from_it_and_pairs_with_it_by_user(
    run: Path, clicks: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    main(["train", "moco", "--data", clicks, *COLUMNS, "--init", str(run), "--epochs", "1", "--out", str(other)])
    assert contrapose.load(other).encoder.item_names == contrapose.load(run).encoder.item_names
    for path in (run, other):
        main(["evaluate", str(path)])
    capsys.readouterr()
    main(["compare", str(run), str(other)])
    assert "NDCG@10" in capsys.readouterr().out


def test_a_report_and_a_folder_are_written_and_onnx_is_refused_in_a_sentence(run: Path, tmp_path: Path) -> None:
    main(["report", str(run)])
    page = (run / "report.html").read_text()
    assert "Soap" in page or "Comb" in page
    main(["export", str(run), "--to", "folder", "--out", str(tmp_path / "folder")])
    assert contrapose.load(tmp_path / "folder").encoder.titles[0] == "Soap"
    with pytest.raises(ContraposeError, match="no ONNX form"):
        contrapose.export(run, to="onnx", out=tmp_path / "model.onnx")


def test_data_check_shows_histories_as_people_read_them(clicks: str, tmp_path: Path) -> None:
    columns = {"user_column": "customer", "item_column": "sku", "time_column": "when"}
    found = data_check(clicks, out=str(tmp_path / "x.png"), titles=str(tmp_path / "titles.csv"), **columns)
    text = found.text()
    assert "40 users took 10 of 10 items 240 times" in text
    assert "evaluate asks for what the data hold themselves" in text
    assert "did not stand in the order of time: sorted" in text
    assert any("(hidden)" in view for views in found.views for view in views) or found.views
    assert any(name in text for name in GOODS)


def test_histories_in_memory_are_learned_from_and_embedded(tmp_path: Path) -> None:
    lists = [[1 + (start + step) % 9 for step in range(5)] for start in range(32)]
    run = contrapose.train(
        "simclr",
        data=lists,
        modality="items",
        out=str(tmp_path / "run"),
        encoder="item_bag",
        epochs=1,
        batch_size=16,
        quiet=True,
    )
    assert run.load().embed(lists).shape == (32, 64)
    assert run.load().embed(open_items(lists)).shape == (32, 64)
    own = run.load().open(open_items([[9, 4, 5]]))
    assert own.store.values.tolist() == [9, 4, 5], "brought to the numbers of the encoder"
