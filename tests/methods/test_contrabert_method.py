"""ContraBERT and its two fine-tunings: what they see, what they log, and slips in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import contrapose
from contrapose.data import PlainSource, derived_generator
from contrapose.errors import ArgumentError, DataError
from contrapose.methods import METHODS, ContraBERT
from contrapose.methods.assemble import assemble
from contrapose.modalities import MODALITIES
from contrapose.training.in_memory import train_in_memory
from contrapose.training.run_folder import RunFolder

FUNCTIONS = [
    f'def load_{n}(path, size):\n    """Load number {n} of the files."""\n    count = size + {n}\n'
    f"    text = path\n    return text, count\n"
    for n in range(24)
]
QUICK: dict[str, Any] = {"batch_size": 8, "max_length": 24, "seed": 3, "epochs": 2, "log_steps": 1, "quiet": True}


def test_functions_of_a_folder_are_mutated_and_guessed(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "all.py").write_text("\n\n".join(FUNCTIONS))
    run = contrapose.train("contrabert", data=str(tmp_path / "code"), out=str(tmp_path / "run"), queue=12, **QUICK)
    rows = list(RunFolder(run.path).metrics())
    assert len(rows) == 6
    assert rows[0]["contrast_loss"] == 0.0, "the queue is empty"
    assert rows[0]["queue_seen"] == 0.0
    assert all(row["contrast_loss"] > 0 for row in rows[1:])
    assert all(row["loss"] == pytest.approx(row["language_loss"] + row["contrast_loss"], rel=1e-5) for row in rows)
    assert sum(row["programs_changed"] for row in rows) / 6 > 0.6
    assert 0.1 < sum(row["comments_changed"] for row in rows) / 6 < 0.9
    assert (run.path / "teacher" / "encoder.json").is_file()


def losses_of(**options: Any) -> list[float]:
    samples = MODALITIES["text"].open(FUNCTIONS)
    config = ContraBERT.on("text")(batch_size=8, max_length=24, **options)
    learner, views = assemble(config, samples)
    source = PlainSource.shuffled(samples, views, batch_size=8, seed=0)
    batch = source.batch(0, 0, generator=derived_generator(0, 0))
    found = []
    for _ in range(2):
        learner.before_step()
        torch.manual_seed(0)
        step = learner.train()(batch)
        found.append(float(step.loss.detach()))
        learner.after_step([step])
    return found


def test_every_option_changes_the_loss() -> None:
    usual = losses_of()
    assert losses_of() == usual
    assert losses_of(contrast=0.0)[0] == usual[0], "the first step contrasts with nothing"
    for option in (
        {"masked": 0.4},
        {"comments_seen": 1.0},
        {"comments_seen": 0.0},
    ):
        assert losses_of(**option)[0] != usual[0], option
    warmer = losses_of(temperature=0.5)
    assert warmer[0] == usual[0]
    assert warmer[1] != usual[1]


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"temperature": 0.0}, "temperature must be above 0"),
        ({"queue": 0}, "queue must be above 0"),
        ({"momentum": 1.5}, r"momentum must be in \[0, 1\]"),
        ({"contrast": -1.0}, "contrast must be 0 or more"),
        ({"masked": 1.0}, "masked must be between 0 and 1"),
        ({"comments_seen": 2.0}, r"comments_seen must be in \[0, 1\]"),
        ({"program_operators": ("rename",)}, "program_operators must be some of rename_function, rename_variables"),
        ({"comment_operators": ("translate",)}, "comment_operators must be some of bt_offline, delete"),
    ],
)
def test_bad_options_are_refused_at_once(options: dict[str, Any], word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        ContraBERT.on("text")(**options)


def test_an_encoder_without_tokens_in_context_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="contrabert needs an encoder with tokens in context"):
        contrapose.train("contrabert", data=FUNCTIONS, out=str(tmp_path / "run"), encoder="bag_of_words", **QUICK)


def test_comments_learn_to_find_their_programs_and_texts_without_one_are_left_out() -> None:
    words = ["red", "green", "blue", "small", "large", "old", "new", "dog", "cat", "bird", "house", "tree"]
    said = [f"about {number} and {number}" for number in range(12)]
    code = [f"def f(a):\n    return a.{word}, a.{word}\n" for word in words]
    table = {"docstring": [*said, None], "code": [*code, "def g(a):\n    return a\n"]}
    samples = MODALITIES["text"].open(table, text_column="code", comment_column="docstring")
    options = {"batch_size": 12, "epochs": 60, "learning_rate": 0.01, "encoder": "bag_of_words", "weight_decay": 0.0}
    config = METHODS["code-search"].on("text")(**options)
    known = config.read(lambda: samples)
    assert len(known) == 12
    assert known.notes[-1] == "1 text without a comment left out."
    learner, views = assemble(config, known)
    encoder: Any = learner.encoder

    def found() -> int:
        """How many comments have their own program as the nearest."""
        with torch.no_grad():
            asked, programs = (encoder.eval()(encoder.prepare(side)) for side in (said, [one.strip() for one in code]))
        return int(((asked @ programs.T).argmax(dim=1) == torch.arange(12)).sum())

    before = found()
    train_in_memory(learner, known, views, config)
    assert before < 6 < 10 < found()


@pytest.mark.parametrize(("said", "words"), [(0, "no text has"), (1, "1 text has"), (3, "3 texts have")])
def test_texts_that_are_paired_with_themselves_for_want_of_comments_are_told(said: int, words: str) -> None:
    comments = [f"about {n}" if n < said else None for n in range(6)]
    table = {"docstring": comments, "code": [f"def f(a):\n    return a + {n}\n" for n in range(6)]}
    options = {"comment_column": "docstring"} if said else {}
    samples = MODALITIES["text"].open(table, text_column="code", **options)
    known = METHODS["code-search"].on("text")(batch_size=4).read(lambda: samples)
    assert len(known) == 6
    assert known.notes[-1].startswith(f"Of 6 texts {words} both a comment and a program; all others are paired with")


def test_clones_are_of_the_anchors_class_and_the_other_is_not(tmp_path: Path) -> None:
    labels = [n % 3 for n in range(24)]
    samples = MODALITIES["text"].open(FUNCTIONS, labels=labels)
    config = METHODS["code-clones"].on("text")(encoder="bag_of_words", batch_size=8)
    _, views = assemble(config, samples)
    class_of = dict(zip(FUNCTIONS, labels, strict=True))
    seen: list[list[str]] = []
    views.make = lambda side, generator: (seen.append(side), [None])[1]  # type: ignore[attr-defined]
    views(FUNCTIONS[:8], generator=torch.Generator().manual_seed(0))
    for anchor, same, other in zip(*seen, strict=True):
        assert anchor != same
        assert class_of[anchor] == class_of[same] != class_of[other]
    run = contrapose.train(
        "code-clones",
        data={"text": FUNCTIONS, "label": labels},
        out=str(tmp_path / "run"),
        encoder="bag_of_words",
        **QUICK,
    )
    assert run.outcome.finished
    with pytest.raises(DataError, match=r"code-clones tells classes apart, and the labels of .* name 1 of them"):
        contrapose.train("code-clones", data={"text": FUNCTIONS, "label": [0] * 24}, out=str(tmp_path / "b"), **QUICK)
