"""Pictures and sentences that every claim can be tried on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kind_cases import WRITERS


@pytest.fixture(scope="session")
def picture_parts(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with train.npz (300) and test.npz (100) of small pictures in ten classes."""
    folder, random = tmp_path_factory.mktemp("parts"), np.random.default_rng(0)
    base = random.integers(0, 255, size=(10, 16, 16, 3))
    for part, count in (("train", 300), ("test", 100)):
        labels = np.arange(count) % 10
        noise = random.integers(-60, 60, size=(count, 16, 16, 3))
        images = (base[labels] + noise).clip(0, 255).astype(np.uint8)
        np.savez(Path(folder) / f"{part}.npz", images=images, labels=labels)
    return str(folder)


@pytest.fixture(scope="session")
def sentence_parts(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with train.csv (300) and test.csv (110): pairs of sentences, scored by how many words they share."""
    folder, random = tmp_path_factory.mktemp("sentences"), np.random.default_rng(0)
    words = np.array([f"word{number}" for number in range(60)])
    for part, count in (("train", 300), ("test", 110)):
        lines = ["sentence1,sentence2,score"]
        for row in range(count):
            first, other = random.choice(words, (2, 6), replace=False)
            shared = row % 7
            lines.append(f"{' '.join(first)},{' '.join([*first[:shared], *other[shared:]])},{shared}")
        (folder / f"{part}.csv").write_text("\n".join(lines) + "\n")
    return str(folder)


@pytest.fixture(scope="session")
def url_parts(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with train.csv (360) and test.csv (130) of URLs, a sixth of them of the source that is not asked, and
    domain_categories.csv (360)."""
    folder, random = tmp_path_factory.mktemp("urls"), np.random.default_rng(0)
    words = np.array([f"word{number}" for number in range(60)])
    sources = ("benign_iscx2016", "phishtank_2020", "malicious_2017")
    for part, count in (("train", 360), ("test", 130)):
        lines = ["url_bare,malicious,source"]
        for row in range(count):
            kind = 2 if row % 6 == 5 else row % 2
            first, second, third = random.choice(words[30 * min(kind, 1) :][:30], 3, replace=False)
            lines.append(f"{first}-{part}.com/{second}/{third}?id={row},{min(kind, 1)},{sources[kind]}")
        (folder / f"{part}.csv").write_text("\n".join(lines) + "\n")
    topics = ("games", "shopping", "press", "sports", "bank", "publicite")
    lines = ["domain,category,split"]
    for row in range(360):
        first, second = random.choice(words[10 * (row % 6) :][:10], 2, replace=False)
        lines.append(f"{first}-{second}-{row}.net,{topics[row % 6]},{'test' if row % 5 == 4 else 'train'}")
    (folder / "domain_categories.csv").write_text("\n".join(lines) + "\n")
    return str(folder)


@pytest.fixture(scope="session")
def history_part(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A table of 200 users, each with 5 to 12 of 40 items, the next one a step or two further on."""
    folder, random = tmp_path_factory.mktemp("histories"), np.random.default_rng(0)
    lines = ["user,item,time"]
    for user in range(200):
        items = (random.integers(40) + random.integers(1, 3, random.integers(5, 13)).cumsum()) % 40
        lines += [f"u{user},i{item},{time}" for time, item in enumerate(items)]
    (folder / "taken.csv").write_text("\n".join(lines) + "\n")
    return str(folder / "taken.csv")


@pytest.fixture(scope="session")
def people_moving(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file of 120 sequences of 4 joints by six people, in five classes: how fast something goes to and fro."""
    random, path = np.random.default_rng(0), tmp_path_factory.mktemp("people") / "moves.npz"
    action, subject = np.arange(120) % 5, 1 + np.arange(120) // 5 % 6
    times = [np.arange(random.integers(9, 20)) for _ in action]
    moves = [
        np.sin((1 + one) * time[:, None, None] / 3 + np.arange(12).reshape(4, 3))
        for one, time in zip(action, times, strict=True)
    ]
    joints = np.concatenate([move + 0.1 * random.standard_normal(move.shape) for move in moves]).astype(np.float32)
    np.savez(path, joints=joints, frame_ptr=np.cumsum([0, *map(len, moves)]), action=action, subject=subject)
    return str(path)


@pytest.fixture(scope="session")
def graph_part(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An archive of 48 graphs: rings, stars, and rings with chords."""
    return str(WRITERS["graph"](tmp_path_factory.mktemp("graphs")))


@pytest.fixture(scope="session")
def parts_of_kind(
    picture_parts: str, sentence_parts: str, url_parts: str, history_part: str, people_moving: str, graph_part: str
) -> dict[str, str]:
    """Where data of each kind lie on which every claim on that kind can be tried; by its own name those of a claim that
    asks for others."""
    own = {"urlbert": url_parts, "halp": people_moving}
    own |= {"items": history_part, "graph": graph_part, "pairs": "made:scenes"}
    return {"image": picture_parts, "text": sentence_parts, **own}
