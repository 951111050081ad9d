"""What is typed becomes options, and each mistake one sentence with the nearest name."""

from __future__ import annotations

from pathlib import Path

import pytest

from contrapose.cli.completion import options_of_commands
from contrapose.cli.flags import flags_of
from contrapose.cli.parse import parse
from contrapose.cli.training import owners
from contrapose.commands.claim_options import ReproduceOptions
from contrapose.commands.options import CompareOptions, EmbedOptions, EvaluateOptions
from contrapose.commands.search import SearchOptions
from contrapose.errors import ArgumentError
from contrapose.methods import CACR, METHODS, SimCLR


def simclr(*words: str) -> SimCLR:
    return parse(SimCLR, list(words), "train simclr")


def test_every_form_of_a_flag_is_read() -> None:
    config = simclr("--epochs", "3", "--views.rotation-degrees=20", "--learning_rate", "1e-3", "--limit", "None")
    assert (config.epochs, config.views.rotation_degrees, config.learning_rate, config.limit) == (3, 20.0, 1e-3, None)
    assert parse(CACR, ["--no-predictor", "--cost", "rbf"], "train cacr") == CACR(predictor=False, cost="rbf")
    assert parse(EvaluateOptions, ["run", "--full"], "evaluate").full is True
    assert parse(EvaluateOptions, ["--no-full", "run"], "evaluate").full is False
    searched = parse(SearchOptions, ["run", "cat.png", "--in", "photos", "-k", "3"], "search")
    assert (searched.query, searched.data, searched.k) == ("cat.png", "photos", 3)
    assert parse(CompareOptions, ["a", "b", "c", "--k", "5"], "compare").runs == ("a", "b", "c")
    assert parse(EmbedOptions, ["run", "--", "--odd-name"], "embed").data == "--odd-name"
    assert parse(ReproduceOptions, ["simclr", "--out", "here"], "reproduce").out == Path("here")


def test_trained_weights_are_called_as_the_method_calls_them() -> None:
    with pytest.raises(ArgumentError, match=r"has no option --base\. Did you mean '--init'\?"):
        simclr("--base", "runs/first")
    with pytest.raises(ArgumentError, match=r"Did you mean '--seed'\?"):
        simclr("--sed", "1")
    assert parse(METHODS["classifier"], ["--base", "runs/first"], "train classifier").base == "runs/first"


def test_what_is_typed_is_what_python_makes() -> None:
    for name, method in METHODS.items():
        assert parse(method, [], f"train {name}") == method()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--temprature 0.1", "train simclr has no option --temprature. Did you mean '--temperature'?"),
        ("--views.rotatoin-degrees 3", "Did you mean '--views.rotation-degrees'?"),
        ("--rotation-degrees 3", "Did you mean '--views.rotation-degrees'?"),
        ("--rotatoin_degrees 3", "Did you mean '--views.rotation-degrees'?"),
        ("-epochs 3", "Did you mean '--epochs'?"),
        ("--Epochs 3", "Did you mean '--epochs'?"),
        ("--hlep", "Did you mean '--help'?"),
        ("--xyzzy", "contrapose train simclr --help shows those that it has."),
        ("--epochs ten", "--epochs must be a whole number, got 'ten'."),
        ("--epochs 1.5", "--epochs must be a whole number, got '1.5'."),
        ("--epochs=", "--epochs must be a whole number, got ''."),
        ("--epochs None", "--epochs must be a whole number, got 'None'."),
        ("--learning-rate fast", "--learning-rate must be a number, got 'fast'."),
        ("--epochs", "--epochs needs a value: a whole number."),
        ("--data --epochs 3", "--data needs a value."),
        ("--optimizer", "--optimizer needs a value: one of adamw, sgd, lars."),
        ("--optimizer adam", "must be one of adamw, sgd, lars, got 'adam'. Did you mean 'adamw'?"),
        ("--epochs 3 --epochs 4", "--epochs is there twice (--epochs 3, --epochs 4); give it once."),
        ("--batch-size=3 --batch_size 4", "--batch-size is there twice"),
        ("photos", "train simclr has no place for 'photos'."),
        ("temperature=0.1", "Did you mean '--temperature 0.1'?"),
        ("--temperature -1", "--temperature must be above 0, got -1.0."),
        ("--batch-size 1", "--batch-size must be at least 2"),
        ("--views.weak-count 3", "--views.weak-count is 3, of only 2 views. Raise --views.count as well."),
    ],
)
def test_a_mistake_is_a_sentence(words: str, sentence: str) -> None:
    with pytest.raises(ArgumentError) as refused:
        simclr(*words.split())
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("kind", ["image", "text", "rows", "frames", "graph"])
def test_an_option_of_views_is_called_by_its_flag(kind: str) -> None:
    method = METHODS["simclr"].on(kind)
    flags = [flag for flag in flags_of(method) if flag.field[0] == "views" and flag.kind in (int, float)]
    assert flags
    for flag in flags:
        with pytest.raises(ArgumentError, match=rf"^{flag.name} is -1(\.0)?; it must be "):
            parse(method, [flag.name, "-1"], "train simclr")


@pytest.mark.parametrize(
    ("kind", "words", "sentence"),
    [
        (EvaluateOptions, "run --full --no-full", "--full is there twice (--full, --no-full)"),
        (EvaluateOptions, "run --full=yes", "--full takes no value, got 'yes'; write --full or --no-full."),
        (EvaluateOptions, "", "evaluate needs RUN."),
        (EmbedOptions, "", "evaluate needs RUN and DATA."),
        (EvaluateOptions, "a b", "no place for 'b'"),
        (SearchOptions, "a b --i x", "Did you mean '--in'?"),
        (SearchOptions, "a b -k 3 --k 4", "--k is there twice"),
    ],
)
def test_so_is_a_mistake_in_other_commands(kind: type, words: str, sentence: str) -> None:
    with pytest.raises(ArgumentError, match=r"^[^\n]+$") as refused:
        parse(kind, words.split(), "evaluate")
    assert sentence in str(refused.value)


def test_flags_of_another_form_of_the_command_are_suggested() -> None:
    with pytest.raises(ArgumentError, match="Did you mean '--resume'"):
        parse(SimCLR, ["--resum", "run"], "train", elsewhere=("--resume",))


def test_who_has_an_option_that_this_one_lacks_is_named() -> None:
    def told(verb: str, method: str, *words: str) -> str:
        kind = METHODS[method]
        with pytest.raises(ArgumentError, match=r"^[^\n]+$") as refused:
            parse(kind, list(words), f"{verb} {method}", owners=owners(verb, kind))
        return str(refused.value)

    assert "clip-rocket has no option --loss. It is one of clip: " in told("train", "clip-rocket", "--loss", "sigmoid")
    assert "clip has no option --companion. It is one of clip-rocket: " in told("train", "clip", "--companion=barlip")
    assert "Did you mean '--log-steps'" in told("train", "clip-rocket", "--log-step", "3")
    assert "It is one of" not in told("repair", "patch-training", "--companion", "barlip")  # which `train` has
    assert "Did you mean '--init'" in told("train", "clip", "--base", "runs/first")  # which others have for another end


def test_the_type_of_every_option_is_known() -> None:
    for kind in (*options_of_commands().values(), *METHODS.values()):
        for flag in flags_of(kind):
            assert flag.kind in (int, float, str, bool, Path), flag
            assert flag.name == flag.name.upper() if flag.positional else flag.name.startswith("--")
