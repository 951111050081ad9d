"""ContraBERT's claim: functions split by module, no two the same but for names, and what is asked of them."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from claim_cases import TINY

from contrapose.claims import Results, programs
from contrapose.claims.measures import Subject
from contrapose.claims.programs import LEAST, canonical, library_by_module, renamed_programs
from contrapose.claims.published.contrabert import AGAIN, CLAIM
from contrapose.errors import ArgumentError
from contrapose.views.texts.programs.python_names import local_names

SMALL = replace(TINY, images=40, labelled=30, validation=10, test=12)


def test_parts_are_of_different_modules_and_hold_no_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    ground = library_by_module("python-functions", SMALL, 0)
    parts = [ground.test, ground.validation, ground.pretraining["pretraining"]]
    assert [len(part) for part in parts] == [12, 10, 40]
    of = [{name.partition(".")[0] for name in part.identifiers} for part in parts]
    assert not of[0] & of[1]
    assert not of[1] & of[2]
    assert not of[0] & of[2]
    texts = [text for part in parts for text in part.texts]  # type: ignore[attr-defined]
    assert len({canonical(text) for text in texts}) == 62
    assert all(len(local_names(text)) >= LEAST for text in texts[:22])
    assert library_by_module("python-functions", SMALL, 1).test.fingerprint == ground.test.fingerprint
    first = list(islice(programs._library(), 100))  # to read all of it takes a minute
    monkeypatch.setattr(programs, "_library", lambda: iter(first))
    with pytest.raises(ArgumentError, match=r"asks for 99,999 functions to learn from.* found \d\d?, 2 and 2\."):
        library_by_module("python-functions", replace(SMALL, images=99_999, test=2, validation=2), 0)


def test_copies_with_other_names_docstrings_or_layout_are_one() -> None:
    one = 'def f(a, b):\n    """Said."""\n    c = a + b\n    return c\n'
    other = "def g(x,\n      y):\n    total = x + y  # added\n    return total\n"
    assert canonical(one) == canonical(other)
    assert canonical(one) != canonical(one.replace("a + b", "b + a"))
    assert canonical(one) != canonical(one.replace("return c", "return a"))


def test_embeddings_of_names_alone_are_lost_and_of_the_rest_kept() -> None:
    ground = library_by_module("python-functions", SMALL, 0)

    def first_lines(samples: object) -> np.ndarray:
        """A direction a text, by its first line up to the parameters: the function's name, which stays."""
        names = [text.split("(")[0] for text in samples.texts]  # type: ignore[attr-defined]
        known = sorted({text.split("(")[0] for text in ground.test.texts})  # type: ignore[attr-defined]
        return np.eye(len(known) + 1)[[known.index(name) if name in known else -1 for name in names]]

    def whole(samples: object) -> np.ndarray:
        """A direction a text that was not renamed, and one for all that were."""
        texts = samples.texts  # type: ignore[attr-defined]
        known = {text: place for place, text in enumerate(texts[:12])}
        return np.eye(13)[[known.get(text, 12) for text in texts]]

    kept = renamed_programs(Subject(first_lines, ground, ground.test, 0))
    assert kept["found again, 8 renamed"] == kept["found again, mean"] == 1.0
    lost = renamed_programs(Subject(whole, ground, ground.test, 0))
    assert lost["found again, 1 renamed"] == lost["found again, 8 borrowed"] == 0.0
    assert lost["found unchanged"] == 1.0
    assert {AGAIN.format(k) for k in range(1, 9)} <= set(lost)


def test_arms_differ_in_what_is_done_to_programs_alone() -> None:
    options = {arm.name: dict(arm.options) for arm in CLAIM.arms}
    assert options["full"] == {}
    assert options["guessing alone"] == {"contrast": 0.0}
    assert "rename_variables" not in options["variables kept"]["program_operators"]
    assert len(options["variables kept"]["program_operators"]) == 4
    assert [prediction.threshold for prediction in CLAIM.predictions if prediction.role == "claim"] == [0.2, 0.0, -0.02]


def test_growth_is_the_gap_with_eight_less_that_with_one() -> None:
    def seed(one: float, eight: float) -> dict[int, dict[str, float]]:
        return {3: {AGAIN.format(1): one, AGAIN.format(8): eight}}

    results = Results({"full": (seed(0.9, 0.8),), "guessing alone": (seed(0.8, 0.3),)}, (3,))
    assert CLAIM.predictions[1].value(results) == pytest.approx([0.5 - 0.1])
