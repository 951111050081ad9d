from __future__ import annotations

import sys
from pathlib import Path

import pytest

from contrapose.data.texts import PYTHON_DOCS, open_texts, python_docs
from contrapose.data.texts import docstrings as docstrings_module
from contrapose.data.texts.docstrings import docstrings, library_folder
from contrapose.errors import DataError

SOURCES = {
    "zoo/__init__.py": '"""All the animals that there are."""',
    "zoo/cats.py": '''
"""Cats of many kinds and colours."""

raise RuntimeError("nothing of this is ever run")

class Cat:
    """A cat that purrs when stroked.

        Indented by four.
    """

    def purr(self):
        """Make the noise that cats make."""
        def inner():
            """Nobody can call this one from outside."""

    async def sleep(self):
        """Make the noise that cats make."""

    def eat(self):
        """Too short."""

if True:
    def feed(cat):
        """Give it something to eat now."""
else:
    def feed(cat):
        """Give it nothing to eat at all."""
try:
    pass
except ImportError:
    def groom(cat, brush):
        """Brush it until it has enough."""
''',
    "zoo/tests/test_cats.py": '"""Tests are not read at all, ever."""',
    "zoo/broken.py": '"""This cannot be parsed by Python."""\nclass',
    "site-packages/other.py": '"""Somebody else has written this one here."""',
    "lib-dynload/x.py": '"""Not a name of a package at all."""',
    "ant.py": '"""An ant, and a whole module for it."""',
}


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, source in SOURCES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    monkeypatch.setattr("contrapose.data.texts.python_library.library_folder", lambda: tmp_path)
    return tmp_path


def test_every_docstring_has_the_name_of_its_object(library: Path) -> None:
    found = dict(docstrings(library))
    inside = [f"zoo.cats.{name}" for name in ("Cat", "Cat.purr", "feed", "groom")]
    assert list(found) == ["ant", "zoo", "zoo.cats", *inside]
    assert found["zoo.cats.Cat"] == "A cat that purrs when stroked.\n\nIndented by four."
    assert found["zoo.cats.feed"] == "Give it something to eat now."


def test_they_become_texts_labelled_by_module(library: Path) -> None:
    texts = python_docs()
    assert texts.class_names == ("ant", "zoo")
    assert texts.labels is not None
    assert texts.labels.tolist() == [0, 1, 1, 1, 1, 1, 1]
    assert texts.identifiers[:3] == ["ant", "zoo", "zoo.cats"]
    assert "docstrings of Python" in texts.origin
    assert open_texts(PYTHON_DOCS, limit=2, labels="none").texts == [texts.texts[0], texts.texts[3]]
    assert open_texts(PYTHON_DOCS).fingerprint == texts.fingerprint


def test_sources_are_parsed_once_as_long_as_they_do_not_change(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = []
    parse = docstrings_module.ast.parse
    monkeypatch.setattr(docstrings_module.ast, "parse", lambda source: parsed.append(source) or parse(source))
    first = python_docs()
    count = len(parsed)
    assert count == 4
    again = python_docs()
    assert len(parsed) == count
    assert (again.texts, again.identifiers) == (first.texts, list(first.identifiers))
    (library / "ant.py").write_text('"""Another ant, and a whole module for it."""')
    assert python_docs().texts[0].startswith("Another ant")


def test_a_python_without_sources_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contrapose.data.texts.python_library.library_folder", lambda: tmp_path)
    with pytest.raises(DataError, match="has no sources of its library"):
        python_docs()


def test_the_real_library() -> None:
    """One package of it: all of it takes seconds."""
    before = set(sys.modules)
    found = dict(docstrings(library_folder() / "json"))
    assert set(sys.modules) == before
    assert "decoder.JSONDecoder.decode" in found
    assert len(found) > 5
