"""docs/text.md tells which objective fits which texts: its commands are there, and the pages name each other."""

from __future__ import annotations

import re
from pathlib import Path

from contrapose import objectives
from contrapose.methods import METHODS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "text.md").read_text()


def test_every_command_of_the_page_trains_a_method_that_there_is() -> None:
    named = set(re.findall(r"contrapose train ([a-z-]+) --data", PAGE))
    assert len(named) >= 13
    assert named <= set(METHODS)


def test_every_objective_of_the_page_is_public() -> None:
    for name in re.findall(r"`objectives\.(\w+)`", PAGE):
        assert name in objectives.__all__


def test_families_of_the_survey_have_a_method_for_texts() -> None:
    pretraining = {name for name, method in METHODS.items() if method.kinds == ("text",)}
    heads = {"code-search", "code-clones"}  # of programs, after pretraining
    assert pretraining - heads <= set(re.findall(r"contrapose train ([a-z-]+)", PAGE))


def test_the_page_of_methods_leads_there() -> None:
    assert "(text.md)" in (ROOT / "docs" / "methods.md").read_text()
    assert "(claims.md)" in PAGE
