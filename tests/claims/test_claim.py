"""A claim that cannot be judged fairly is refused when it is declared."""

from __future__ import annotations

import re

import pytest
from claim_cases import claim_of

from contrapose.claims import Arm, Prediction, difference, find_claim
from contrapose.errors import ArgumentError

SIMCLR = Arm("simclr", "simclr", grid={"temperature": (0.1, 0.5)})
MMCL = Arm("mmcl", "mmcl", grid={"sigma": (1.0, 4.0)})
SAYS = Prediction("simclr - mmcl", ("simclr", "mmcl"), difference("simclr", "mmcl", "kNN"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"arms": (SIMCLR,)}, "'mmcl', which is missing. Did you mean 'simclr'? Its arms: simclr"),
        ({"arms": (SIMCLR, MMCL, SIMCLR)}, "two arms of one name"),
        ({"arms": (SIMCLR, Arm("mmcl", "mmcl", grid={"sigma": (1.0, 2.0, 4.0)}))}, "unequal numbers of trials"),
        ({"arms": (SIMCLR, Arm("mmcl", "mmlc"))}, "Unknown method 'mmlc'. Did you mean 'mmcl'"),
        ({"arms": (SIMCLR, Arm("mmcl", "mmcl", tuned_as="mcl"))}, "tuned as 'mcl'"),
        ({"predictions": ()}, "predicts nothing"),
        ({"predictions": (Prediction("aside", ("mmcl",), SAYS.value, role="secondary"),)}, "predicts nothing"),
    ],
)
def test_unfair_claims_are_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ArgumentError, match=re.escape(words)):
        claim_of(**{"predictions": (SAYS,), **changes})


def test_an_arm_that_is_not_tuned_is_no_unequal_budget() -> None:
    claim = claim_of(arms=(SIMCLR, MMCL, Arm("plain", "simclr"), Arm("like", "simclr", tuned_as="simclr")))
    assert [len(arm.trials()) for arm in claim.arms] == [2, 2, 1, 1]


def test_trials_are_every_combination() -> None:
    arm = Arm("a", "simclr", grid={"temperature": (0.1, 0.5), "learning_rate": (1e-3, 2e-3)})
    assert len(arm.trials()) == 4
    assert arm.trials()[1] == {"temperature": 0.1, "learning_rate": 2e-3}
    assert Arm("b", "simclr").trials() == [{}]


def test_an_unknown_claim_names_the_nearest() -> None:
    with pytest.raises(ArgumentError, match=r"Did you mean 'mmcl'\?"):
        find_claim("mmlc")


def test_a_file_must_declare_a_claim(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ArgumentError, match="does not exist"):
        find_claim(str(tmp_path / "none.py"))
    (tmp_path / "empty.py").write_text("x = 1\n")
    with pytest.raises(ArgumentError, match="declares no claim"):
        find_claim(str(tmp_path / "empty.py"))
