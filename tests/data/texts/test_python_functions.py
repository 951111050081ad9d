"""Functions of Python as texts: of files, folders and the library; and comments of another column above them."""

from __future__ import annotations

from pathlib import Path

import pytest

from contrapose.data import kind_of
from contrapose.data.texts import open_texts
from contrapose.data.texts.functions import functions, library_functions
from contrapose.errors import ArgumentError, DataError
from contrapose.views.texts.programs.two_sides import sides_of

SOURCE = '''
"""A module."""
import os

@property
def first(a):
    """Documented."""
    return a  # kept as it is

class Outer:
    def method(self,
               b):
        text = """
left margin"""
        return text

    class Inner:
        async def deep(self):
            def within():
                pass
            return within

if os:
    def second(a):
        """Another docstring."""

        return a

def one_line(): return 1

def copied(a):
    return a
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.py").write_text(SOURCE)
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "b.py").write_text("def third(x):\n    y = x\n    return y\n")
    (tmp_path / "package" / "old.py").write_text("print 'Python 2'\n")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "c.py").write_text("def never(x):\n    return x + 1\n")
    (tmp_path / "requirements.txt").write_text("numpy\n")
    return tmp_path


def test_functions_of_a_source_are_named_dedented_and_as_they_are_written() -> None:
    found = {name: text for name, text, _ in functions(SOURCE, "m", least=1) or ()}
    assert list(found) == ["m.first", "m.Outer.method", "m.Outer.Inner.deep", "m.second", "m.one_line", "m.copied"]
    assert found["m.first"].startswith("@property\ndef first(a):")
    assert found["m.first"].endswith("return a  # kept as it is")
    assert found["m.Outer.method"].startswith("def method(self, b):"), "with a string at the margin it is unparsed"
    assert found["m.Outer.Inner.deep"].startswith("async def deep(self):\n    def within():")
    assert [name for name, *_ in functions(SOURCE, "m", least=3, most=4) or ()] == [
        "m.first",
        "m.Outer.Inner.deep",
        "m.second",
    ]
    assert functions("def broken(:", "m", least=1) is None


def test_a_folder_of_sources_is_texts_each_function_once(folder: Path) -> None:
    assert kind_of(str(folder)) == "text"
    texts = open_texts(folder)
    assert texts.identifiers == [
        "a.py.first",
        "a.py.Outer.method",
        "a.py.Outer.Inner.deep",
        "a.py.second",
        "package/b.py.third",
    ]
    assert texts.notes[0] == "A text is a function of Python: 5 different ones in 3 files."
    assert texts.notes[1].endswith("passed over: package/old.py.")
    assert len(open_texts(folder / "a.py")) == 4
    assert len(open_texts(str(folder / "**" / "*.py"))) == 5
    for name in ("b", "c", "d", "e"):
        (folder / f"{name}.txt").write_text("more plain texts than sources")
    assert open_texts(folder).texts[-1] == "numpy\n"


def test_a_source_without_functions_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "b.py").write_text("x = = 1\n")
    with pytest.raises(DataError, match=r"2 Python files .* have no function of 2 lines or more, 1 of them cannot be"):
        open_texts(tmp_path)


def test_of_the_library_each_function_comes_once_and_tests_are_left_out(folder: Path) -> None:
    body = "".join(f"    b = a + {n}\n" for n in range(5))
    (folder / "one.py").write_text(f"def f(a):\n{body}\n\ndef g(a):\n    '''Said.'''\n{body}\n\ndef h(b):\n{body}\n")
    (folder / "test").mkdir()
    (folder / "test" / "two.py").write_text(f"def never(a):\n{body}")
    found = [name for name, _ in library_functions(folder)]
    assert [name for name in found if name.startswith("one")] == ["one.f", "one.h"], "g is f with a docstring"
    assert not any("never" in name for name in found)
    assert not any(name.startswith("a.first") for name in found), "of 5 lines or more"


def test_comments_of_another_column_stand_above_their_programs(tmp_path: Path) -> None:
    table = {
        "code": ["def f(a):\n    return a\n", "int f(int a) { return a; }", "int g();", None],
        "docstring": ['Say "it"\\.', "Ends */ early.", " ", "alone"],
        "n": [1, 2, 3, 4],
    }
    texts = open_texts(table, text_column="code", comment_column="docstring")
    assert [sides_of(text) for text in texts.texts] == [
        ('Say "it"\\.', "def f(a):\n    return a"),
        ("Ends * / early.", "int f(int a) { return a; }"),
        None,
    ]
    assert texts.texts[2] == "int g();"
    assert texts.notes == ("Texts from column 'code', no labels, below their comments from 'docstring'.",)
    table["empty"] = ["", None, "  ", None]
    for column, word in (
        ("n", "holds no texts"),
        ("code", "is that of the texts"),
        ("nothing", "nothing"),
        ("empty", "in every row"),
    ):
        with pytest.raises(ArgumentError, match=word):
            open_texts(table, text_column="code", comment_column=column)


def test_a_form_feed_is_no_line() -> None:
    from contrapose.data.texts.functions import functions

    source = "x = 1\n\x0c\ndef f(a):\n    b = a\n    return b\n"
    assert functions(source, "m", least=2)[0][1] == "def f(a):\n    b = a\n    return b"  # type: ignore[index]
