"""The claim on translations: its ground, what its measures read, and all of it in small."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from contrapose.claims import Results
from contrapose.claims.published.cdvg import CLAIM, UNBIASED
from contrapose.claims.quick import quick_version
from contrapose.claims.tinted import NO_EXCEPTION, ONE_IN_TWENTY, TintedGround, tinted_digits
from contrapose.data.images.made.tint import colours_of


def test_colours_go_with_the_class_where_it_is_learned_and_nowhere_else() -> None:
    protocol = replace(quick_version(CLAIM).protocol, images=1000, labelled=200, test=597)
    ground = tinted_digits("", protocol, 0)
    assert isinstance(ground, TintedGround)
    shares = {
        name: (colours_of(images) != images.labels).mean()  # type: ignore[arg-type]
        for name, images in {**ground.pretraining, "test": ground.test, "unbiased": ground.unbiased}.items()
    }
    assert (shares[NO_EXCEPTION], shares[ONE_IN_TWENTY]) == (0, 0.05)
    assert min(shares["test"], shares["unbiased"]) > 0.85
    assert not np.array_equal(ground.unbiased.pixels, ground.pretraining[NO_EXCEPTION].pixels)  # type: ignore[attr-defined]


def test_arms_are_one_method_with_parts_of_it_switched_off() -> None:
    assert {arm.method for arm in CLAIM.arms} == {"cdvg"}
    assert all(not arm.grid for arm in CLAIM.arms)
    names = {arm.name for arm in CLAIM.arms}
    assert {"cdvg", "cross-entropy alone", "erm", "erm with colour jitter", "re-weighted"} <= names


def test_predictions_read_their_numbers() -> None:
    def seed(value: float, **more: float) -> dict[int, dict[str, float]]:
        return {20: {UNBIASED: value, **more}}

    values = {arm.name: (seed(0.5),) for arm in CLAIM.arms}
    values |= {"cdvg": (seed(0.7, flip=0.9, keep=0.75),), "erm": (seed(0.3),), "cdvg, 5 %": (seed(0.55),)}
    found = {one.statement: float(one.value(Results(values, (20,)))[0]) for one in CLAIM.predictions}
    assert found["cdvg - erm, unbiased accuracy"] == pytest.approx(0.4)
    assert found["erm goes by the colour: 40 % less its unbiased accuracy"] == pytest.approx(0.1)
    by_role = [float(one.value(Results(values, (20,)))[0]) for one in CLAIM.predictions if one.role == "mechanism"]
    assert by_role == pytest.approx([0.1, -0.05])
    lead = next(one for one in CLAIM.predictions if "leads re-weighting" in one.statement)
    assert float(lead.value(Results(values, (20,)))[0]) == pytest.approx(0.05)


def test_it_runs_in_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = quick_version(CLAIM)
    arms = [replace(arm, options={**arm.options, "translator_width": 4}) for arm in small.arms]
    chosen = [arm for arm in arms if arm.name in ("cdvg", "re-weighted, 5 %")]
    assert all(arm.options.get("translator_steps", 2) == 2 for arm in arms)
    monkeypatch.setattr("contrapose.methods.oracle.EPOCHS", 1)
    monkeypatch.setattr("contrapose.methods.oracle.LEAST_STEPS", 1)
    from contrapose.claims.unit import Unit, work

    found = {}
    for arm in chosen:
        unit = Unit("cdvg", arm, {}, 0, "test", small.protocol, "", str(tmp_path), quick=True)
        found[arm.name] = list(work(unit)["values"].values())[-1]
    assert {UNBIASED, "conflicting", "aligned", "flip", "keep", "judge of the class"} <= found["cdvg"].keys()
    assert "flip" not in found["re-weighted, 5 %"]
    assert all(0 <= found["cdvg"][name] <= 1 for name in (UNBIASED, "flip", "keep"))
