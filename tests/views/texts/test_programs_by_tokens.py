"""Programs of other languages by tokens, comments by words, texts in their two parts, and views made of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from contrapose.encoders.texts import build_text, tokenizer_for
from contrapose.errors import ArgumentError
from contrapose.views.texts import TextViewMaker, TextViews
from contrapose.views.texts.programs.comments import (
    back_translation,
    bt_offline,
    copy_word,
    delete_word,
    switch_words,
)
from contrapose.views.texts.programs.lexicon import OTHER_WORDS
from contrapose.views.texts.programs.maker import MutatedPrograms
from contrapose.views.texts.programs.operators import (
    COMMENT_OPERATORS,
    PROGRAM_OPERATORS,
    mutate_comment,
    mutate_program,
)
from contrapose.views.texts.programs.parts import parts_of, together
from contrapose.views.texts.programs.token_names import rename_function_by_tokens, rename_variables_by_tokens
from contrapose.views.texts.programs.token_statements import (
    drop_statement_by_tokens,
    insert_dead_code_by_tokens,
    swap_statements_by_tokens,
)
from contrapose.views.texts.programs.tokens import tokens_of

JAVA = """/** Sums the values. */
public int total(List<Integer> values, int scale) {
    int count = 0; int width = 2;
    String text = "count: \\"scale\\" // values"; // count of values
    for (int value : values) { count += value * scale; this.count = count; }
    log.scale(text, width);
    return total.count() + count;
}"""


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize(
    "text", [JAVA, "a'b\"c`d", "x = /* never closed", "#if X\n# a comment\n$n->m::k", "", "ünï\t\0"]
)
def test_tokens_put_together_are_the_text(text: str) -> None:
    assert "".join(token.text for token in tokens_of(text)) == text


def test_by_tokens_strings_comments_and_members_keep_their_words() -> None:
    found = rename_variables_by_tokens(JAVA, random(), count=1000)
    assert found.number == 6  # values, scale, count, width, text, value
    for kept in ('"count: \\"scale\\" // values"', "// count of values", "this.count", "log.scale(", "total.count()"):
        assert kept in found.text
    for gone in ("int scale", "int count =", "+ count;", "value *"):
        assert gone not in found.text
    assert rename_variables_by_tokens("function f($a) { return $a->a + 1; }", random()).text == (
        "function f($v0) { return $v0->a + 1; }"
    )
    assert rename_variables_by_tokens("var v0 = 1; let v1 = v0;", random(), count=9).text in (
        "var v2 = 1; let v3 = v2;",
        "var v3 = 1; let v2 = v3;",
    )
    assert rename_variables_by_tokens("nothing declared here", random()) == ("nothing declared here", False, 0)


def test_by_tokens_a_function_is_renamed_where_it_is_called_by_itself() -> None:
    source = "int f(int n) { return n < 2 ? n : f(n - 1) + this.f(n - 2) + other.f(n); }"
    found = rename_function_by_tokens(source, random())
    assert found.text == source.replace("int f(", "int f0(").replace(": f(", ": f0(").replace("this.f(", "this.f0(")
    assert rename_function_by_tokens("if (a) { b; }", random()) == ("if (a) { b; }", False, 0)


def test_by_tokens_statements_are_added_swapped_and_dropped() -> None:
    source = "int f() { int a = 1; int b = 2; int c = a; g(c); return b; }"
    swapped = {swap_statements_by_tokens(source, random(seed)).text for seed in range(20)}
    assert swapped == {
        "int f() { int b = 2; int a = 1; int c = a; g(c); return b; }",
        "int f() { int a = 1; int c = a; int b = 2; g(c); return b; }",
    }
    for text in (
        "int f() { int a = 1; int b = a; }",  # read after write
        "int f() { b = a; a = 1; }",  # write after read
        "int f() { a = 1; a = 2; }",  # write after write
        "int f() { a = g(); b = h(); }",  # calls
        "int f() { if (x) a = 1; b = 2; }",
    ):
        assert swap_statements_by_tokens(text, random()) == (text, False, 0)
    dead = insert_dead_code_by_tokens(source, random())
    assert dead.text.replace("if (false) { } ", "") == source
    assert dead.applied
    dropped = {drop_statement_by_tokens(source, random(seed)).text for seed in range(40)}
    assert len(dropped) == 5
    assert drop_statement_by_tokens("int f() { return 1; }", random()).applied is False
    assert insert_dead_code_by_tokens("words without braces", random()).applied is False


def test_comments_lose_exchange_and_repeat_one_word() -> None:
    words = ["print", "the", "text", "with", "indent"]
    for seed in range(10):
        gone = delete_word("print the text with indent", random(seed)).text.split()
        assert len(gone) == 4
        assert not set(gone) - set(words)
        switched = switch_words("print the text with indent", random(seed)).text.split()
        assert sorted(switched) == sorted(words)
        assert sum(one != other for one, other in zip(switched, words, strict=True)) == 2
        twice = copy_word("print the text with indent", random(seed)).text.split()
        assert any(twice == [*words[: at + 1], *words[at:]] for at in range(5))
    assert delete_word("alone", random()) == ("alone", False, 0)
    assert switch_words("same same", random()) == ("same same", False, 0)
    assert copy_word("  ", random()).applied is False


def test_offline_translation_says_the_same_in_other_words_and_order() -> None:
    found = {bt_offline("Return the values.", random(seed)).text for seed in range(30)}
    assert found <= {
        f"{verb} the {noun}." for verb in ("Return", "Give back", "Hand back") for noun in ("values", "numbers")
    }
    assert "Return the values." not in found
    assert bt_offline("red and blue", random()).text == "blue and red"
    assert bt_offline("Nothing happens if x is y.", random()).text == "If x is y, nothing happens."
    assert bt_offline("xyzzy", random()) == ("xyzzy", False, 0)
    assert all(word not in others for word, others in OTHER_WORDS.items())
    shouted = back_translation(str.upper)
    assert shouted("a word", random()) == ("A WORD", True, 1)
    assert shouted("A WORD", random()).applied is False


def test_a_text_is_taken_into_comment_and_program() -> None:
    python = parts_of('def f(a):\n    """Say it.\n    And more.\n\n    Arguments: none."""\n    return a  # done\n')
    assert python == ("Say it. And more.", "def f(a):\n    return a", True)
    assert parts_of('"""Only said."""\ndef f():\n    """And this."""\n').comment == "Only said."
    java = parts_of(JAVA)
    assert java.comment == "Sums the values."
    assert java.program.startswith("public int total")
    assert parts_of("// one\n// two\nint f();")[:2] == ("one two", "int f();")
    assert parts_of("Just a sentence.") == ("", "Just a sentence.", False)
    assert together("a", "b") == "a\nb"
    assert together("", "b") == "b"


@pytest.mark.parametrize("operator", PROGRAM_OPERATORS)
def test_operators_take_python_by_its_syntax_and_the_rest_by_tokens(operator: str) -> None:
    python = mutate_program("def f(a, b):\n    c = a\n    d = b\n    return c + d\n", operator, random())
    java = mutate_program("int f(int a, int b) { int c = a; int d = b; return c + d; }", operator, random())
    assert python.applied
    assert "\n" in python.text
    assert java.applied
    assert "\n" not in java.text


def test_unknown_operators_name_the_nearest() -> None:
    with pytest.raises(ArgumentError, match="Did you mean 'reorder'"):
        mutate_program("a", "reoder", random())
    with pytest.raises(ArgumentError, match="Did you mean 'switch'"):
        mutate_comment("a", "swich", random())
    assert {mutate_comment("return a and b", one, random()).applied for one in COMMENT_OPERATORS} == {True}


def test_views_are_the_program_and_a_mutant_and_follow_from_the_generator() -> None:
    texts = [f'def f{n}(left, right):\n    """Return what the two are."""\n    return left + right\n' for n in range(6)]
    encoder = build_text("bag_of_words", tokenizer_for("bag_of_words", texts, kind="pieces"))
    make = TextViewMaker(TextViews(crop_min=1.0, delete=0.0), encoder.prepare)
    views = MutatedPrograms(make, texts, keep=1.0)
    assert views.pool == ["left", "right"]
    one, other = (views(texts, generator=torch.Generator().manual_seed(4)) for _ in range(2))
    assert all(a.values.equal(b.values) for a, b in zip(one[:2], other[:2], strict=True))
    assert one[2].shape == (6, 2)
    assert not one[0].values.equal(views(texts[::-1], generator=torch.Generator().manual_seed(4))[0].values)
    said = encoder.prepare(["Return what the two are.\ndef f0(left, right):\n    return left + right"])
    assert one[0][:1].values[:, : said.shape[1]].equal(said.values)
    alone = MutatedPrograms(make, texts, keep=0.0, programs=())(texts, generator=torch.Generator().manual_seed(4))
    assert alone[0].values.equal(alone[1].values)
    assert float(alone[2].sum()) == 0
