"""Embeddings in parts of a folder: in order, by several processes, and on after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from contrapose.cli import main
from contrapose.commands.embed import embed
from contrapose.commands.pack import pack
from contrapose.data import open_data
from contrapose.embedder import Embedder, load
from contrapose.encoders import build, save_encoder
from contrapose.errors import ArgumentError, RunError

polars = pytest.importorskip("polars")


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    made = build("small_conv", channels=3, image_size=16, seed=0, widths=[4, 8], embedding=0, pool=1)
    save_encoder(made.eval(), tmp_path / "encoder")
    return tmp_path / "encoder"


@pytest.fixture
def shards(pictures: np.ndarray, tmp_path: Path) -> str:
    np.savez(tmp_path / "a.npz", images=pictures, labels=np.arange(96) // 32)
    pack(str(tmp_path / "a.npz"), out=tmp_path / "shards", shards=3)
    return str(tmp_path / "shards")


def joined(folder: Path) -> polars.DataFrame:
    return polars.concat([polars.read_parquet(path) for path in sorted(folder.glob("part-*.parquet"))])


def test_parts_are_the_rows_in_their_order(encoder: Path, shards: str, tmp_path: Path) -> None:
    embed(encoder, shards, out=tmp_path / "one.parquet")
    for count, folder in ((1, "whole"), (5, "five"), (96, "each")):
        samples = embed(encoder, shards, out=tmp_path / folder, shards=count)
        assert len(samples) == 96
        assert len(list((tmp_path / folder).glob("part-*.parquet"))) == count
        found, wanted = joined(tmp_path / folder), polars.read_parquet(tmp_path / "one.parquet")
        assert found.select("identifier", "label").equals(wanted.select("identifier", "label"))
        assert np.allclose(found["embedding"].to_numpy(), wanted["embedding"].to_numpy(), atol=1e-6)
    assert embed(encoder, shards, out=tmp_path / "plain").origin  # no ending: parts, as many as fit
    assert [path.name for path in (tmp_path / "plain").glob("*.parquet")] == ["part-00000-of-00001.parquet"]


def test_what_is_there_is_not_made_again(
    encoder: Path, shards: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded: list[int] = []
    original = Embedder.embed

    def counting(self: Embedder, data, **options):
        embedded.append(len(data))
        if len(embedded) == 3:
            raise KeyboardInterrupt
        return original(self, data, **options)

    monkeypatch.setattr(Embedder, "embed", counting)
    with pytest.raises(KeyboardInterrupt):
        embed(encoder, shards, out=tmp_path / "out", shards=4)
    kept = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("part-*")}
    assert len(kept) == 2
    embed(encoder, shards, out=tmp_path / "out")  # as it was begun
    assert sum(embedded) == 96 + 24
    assert {name: (tmp_path / "out" / name).stat().st_mtime_ns for name in kept} == kept
    assert len(joined(tmp_path / "out")) == 96


def test_other_things_are_not_mixed_in(encoder: Path, shards: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    embed(encoder, shards, out=out, shards=2)
    other = build("small_conv", channels=3, image_size=16, seed=1, widths=[4, 8], embedding=0, pool=1)
    save_encoder(other.eval(), tmp_path / "other")
    for change, said in (
        ({"run": tmp_path / "other"}, "of another encoder"),
        ({"limit": 9}, "of other data"),
        ({"labels": "none"}, "with other labels"),
        ({"shards": 3}, "in 2 parts, not 3"),
        ({"normalize": True}, "without --normalize"),
    ):
        given = {"run": encoder, "data": shards, "shards": 2, **change}
        with pytest.raises(RunError, match=f"holds embeddings {said}. Name a new folder"):
            embed(given.pop("run"), given.pop("data"), out=out, **given)
    (out / "embeddings.json").unlink()
    with pytest.raises(RunError, match=r"parts without embeddings.json"):
        embed(encoder, shards, out=out, shards=2)
    with pytest.raises(ArgumentError, match=r"--out is a folder of parquet files, and .*x.npz names a file"):
        embed(encoder, shards, out=tmp_path / "x.npz", shards=2)
    with pytest.raises(ArgumentError, match="--shards 97 for 96 pictures"):
        embed(encoder, shards, out=tmp_path / "many", shards=97)
    with pytest.raises(ArgumentError, match="processes are for data that have a name"):
        embed(encoder, open_data(shards), out=tmp_path / "two", processes=2)


def test_damaged_pictures_have_no_row_and_are_listed(encoder: Path, tmp_path: Path, pictures: np.ndarray) -> None:
    np.save(tmp_path / "a.npy", np.concatenate([pictures] * 4))
    (shard,) = pack(str(tmp_path / "a.npy"), out=tmp_path / "shards").paths
    from contrapose.data.shards.members import TarSamples

    found = TarSamples([shard]).members(["png"])
    content = bytearray(shard.read_bytes())
    for row in (13, 350):
        middle = int(found.offset[row]) + int(found.size[row]) // 2
        content[middle : middle + 60] = bytes(60)
    shard.write_bytes(content)
    samples = embed(encoder, tmp_path / "shards", out=tmp_path / "out", shards=2)
    assert [item.path for item in samples.skipped] == ["13", "350"]
    names = joined(tmp_path / "out")["identifier"].to_list()
    assert names == [str(row) for row in range(384) if row not in (13, 350)]


def test_several_processes_share_the_parts_and_go_on_after_a_kill(encoder: Path, shards: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ["embed", str(encoder), shards, "--out", str(out), "--device", "cpu"]
    slow = (  # a process of its own from the start: the threads of polars do not outlive a fork
        "import sys, time\nfrom contrapose.cli import main\nfrom contrapose.embedder import Embedder\n"
        "first = Embedder.embed\n"
        "Embedder.embed = lambda *given, **options: (time.sleep(0.3), first(*given, **options))[1]\nmain(sys.argv[1:])"
    )
    with subprocess.Popen([sys.executable, "-c", slow, *words, "--shards", "12"]) as process:
        deadline = time.monotonic() + 120
        while len(list(out.glob("part-*"))) < 2 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        process.kill()
    kept = {path.name: path.stat().st_mtime_ns for path in out.glob("part-*")}
    assert 2 <= len(kept) < 12
    main([*words, "--processes", "2"])
    assert {name: (out / name).stat().st_mtime_ns for name in kept} == kept
    found = joined(out)
    assert found["identifier"].to_list() == [str(row) for row in range(96)]
    wanted = load(encoder).embed(open_data(shards, image_size=16, progress=False))
    assert np.allclose(found["embedding"].to_numpy(), wanted, atol=1e-6)


def test_a_process_of_several_takes_its_own_parts_only(
    encoder: Path, shards: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for rank in (2, 0, 1):  # as torchrun names them
        monkeypatch.setenv("RANK", str(rank))
        monkeypatch.setenv("WORLD_SIZE", "3")
        before = set((tmp_path / "out").glob("part-*"))
        embed(encoder, shards, out=tmp_path / "out", shards=7)
        new = {int(path.name[5:10]) for path in set((tmp_path / "out").glob("part-*")) - before}
        assert new == set(range(rank, 7, 3))
    assert joined(tmp_path / "out")["identifier"].to_list() == [str(row) for row in range(96)]


def test_a_process_that_dies_is_told_of(
    encoder: Path, shards: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from contrapose.commands import embed as command

    ending = [sys.executable, "-c", f"import os; os.kill(os.getpid(), {int(signal.SIGTERM)})"]
    monkeypatch.setattr(command, "command_of", lambda options: ending)
    with pytest.raises(
        RunError, match=r"Process 1 of 2 ended \(signal 15\)\. 2 of 4 parts are there: the same command"
    ):
        embed(encoder, shards, out=tmp_path / "out", shards=4, processes=2)
    assert json.loads((tmp_path / "out" / "embeddings.json").read_text())["samples"] == 96
    assert not os.environ.get("RANK")
