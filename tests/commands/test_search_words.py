"""`contrapose search` over texts: the query's words stand out where they are seen, nothing of a text is a command."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from contrapose.cli import main
from contrapose.commands.search import print_matches, search

pytest.importorskip("tokenizers")

TEXTS = ["the parcel was lost", "Lost: a <b>parcel</b> & its box", "reset my password", "a refund of the fee"] * 3


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from contrapose.encoders import save_encoder
    from contrapose.encoders.texts import build_text, tokenizer_for

    folder = tmp_path_factory.mktemp("encoder")
    save_encoder(build_text("bag_of_words", tokenizer_for("bag_of_words", TEXTS), seed=0).eval(), folder, extra={})
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    file = tmp_path / "texts.txt"
    file.write_text("\n".join(TEXTS) + "\n")
    return file


def shown(run: Path, data: Path, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    main(["search", str(run), "LOST parcel", "--in", str(data), "-k", "12", *more])
    return capsys.readouterr().out


def test_words_in_common_are_bold_on_a_terminal_alone(
    run: Path, data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    plain = shown(run, data, capsys)
    assert "\x1b" not in plain
    matches = search(run, "LOST parcel", data=data, k=12, quiet=True)
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda self: True, raising=False)
    print_matches(matches)
    bold = capsys.readouterr().out
    assert "the \x1b[1mparcel\x1b[22m was \x1b[1mlost\x1b[22m\n" in bold
    assert "\x1b[1mLost\x1b[22m: a <b>\x1b[1mparcel\x1b[22m</b> & its box\n" in bold
    assert bold.replace("\x1b[1m", "").replace("\x1b[22m", "") == plain
    for name, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
        with monkeypatch.context() as patched:
            patched.setenv(name, value)
            print_matches(matches)
            assert capsys.readouterr().out == plain


def test_json_names_the_words_in_common(run: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hits = json.loads(shown(run, data, capsys, "--json"))["queries"][0]["hits"]
    common = {hit["excerpt"]: hit.get("common") for hit in hits}
    assert common == {TEXTS[0]: ["parcel", "lost"], TEXTS[1]: ["lost", "parcel"], TEXTS[2]: None, TEXTS[3]: None}


def test_the_words_of_a_long_query_are_those_of_all_of_it(run: Path, data: Path) -> None:
    matches = search(run, ["where is it " * 20 + "parcel"], data=data, k=12, quiet=True)
    assert ("parcel",) in {hit.common for hit in matches[0]}


def test_the_page_marks_them_and_escapes_the_rest(
    run: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown(run, data, capsys, "--out", str(tmp_path / "page.html"))
    html = (tmp_path / "page.html").read_text()
    assert "the <mark>parcel</mark> was <mark>lost</mark></p>" in html
    assert "<mark>Lost</mark>: a &lt;b&gt;<mark>parcel</mark>&lt;/b&gt; &amp; its box</p>" in html
    assert ">LOST parcel</p>" in html  # the query itself is shown as it is


def test_a_query_of_unknown_words_is_told(run: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for query, told in (("zxqv wvqy", True), ("...", True), ("parcel zxqv", False), ("lost parcel", False)):
        main(["search", str(run), query, "--in", str(data)])
        assert ("without a word that the encoder knows" in capsys.readouterr().err) == told
