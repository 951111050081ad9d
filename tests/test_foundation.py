"""The small files under everything: errors that teach, extras, registries, and the shape of the package."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

import contrapose
from contrapose.errors import (
    ArgumentError,
    ContraposeError,
    MissingExtraError,
    OptionError,
    RunError,
    did_you_mean,
    in_group,
)
from contrapose.optional import optional
from contrapose.registry import Registry

SOURCE = Path(contrapose.__file__).parent


def test_did_you_mean_suggests_or_lists() -> None:
    assert did_you_mean("resnt18", ["resnet18", "mlp"]) == " Did you mean 'resnet18'?"
    assert did_you_mean("zzz", ["b", "a"]) == " Known: a, b."
    assert did_you_mean("zzz", []) == ""


def test_errors_are_also_what_python_programmers_expect() -> None:
    assert issubclass(ArgumentError, ValueError)
    assert issubclass(MissingExtraError, ImportError)
    assert issubclass(RunError, RuntimeError)
    assert all(issubclass(kind, ContraposeError) for kind in (ArgumentError, MissingExtraError, RunError))


def test_options_of_a_group_are_called_as_they_were_given() -> None:
    sentence = "weak_count is 3, of only 2 views. Raise count; 'count' and --views.count are left, and so is recount."
    with pytest.raises(OptionError) as refused, in_group("views"):
        raise OptionError(sentence, "count", "weak_count")
    error = refused.value
    assert str(error) == sentence.replace("weak_count is", "views.weak_count is").replace(" count;", " views.count;")
    assert error.options == ("views.count", "views.weak_count")
    error.call({"views.weak_count": "--views.weak-count", "other": "--other"})
    assert str(error).startswith("--views.weak-count is 3, of only 2 views. Raise views.count;")
    with pytest.raises(ArgumentError, match=r"^count is 0$"), in_group("views"):
        raise ArgumentError("count is 0")  # names no option


def test_a_missing_extra_is_named() -> None:
    with pytest.raises(MissingExtraError, match=r"pip install 'contrapose\[search\]'"):
        optional("no_such_package_here", extra="search")
    assert optional("json", extra="none").dumps([]) == "[]"


@pytest.mark.parametrize(
    "body", ["raise RuntimeError('operator torchvision::nms does not exist')", "import no_such_dependency"]
)
def test_a_package_that_breaks_while_imported_is_reported_too(
    body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_package.py").write_text(body)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingExtraError, match=r"broken_package is installed but cannot be imported.*vision"):
        optional("broken_package", extra="vision")
    sys.modules.pop("broken_package", None)


def test_a_registry_refuses_a_second_entry_and_suggests_names() -> None:
    things: Registry[int] = Registry("thing")
    things.register("one")(1)
    assert things["one"] == 1
    assert list(things) == ["one"]
    assert "two" not in things
    with pytest.raises(ArgumentError, match="thing 'one' is registered already"):
        things.register("one")(2)
    with pytest.raises(ArgumentError, match=r"Unknown thing 'onee'\. Did you mean 'one'"):
        things["onee"]


def test_every_public_name_of_the_package_is_there() -> None:
    for name in contrapose.__all__:
        assert getattr(contrapose, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        contrapose.trian  # noqa: B018
    assert set(dir(contrapose)) == set(contrapose.__all__)
    assert re.fullmatch(r"\d+\.\d+\.\d+", contrapose.__version__)


def test_the_package_ships_its_data_licence_and_types() -> None:
    assert (SOURCE / "py.typed").exists()
    embedded = SOURCE / "data" / "embedded"
    assert "Brenden Lake" in (embedded / "omniglot.LICENSE").read_text()
    assert (embedded / "omniglot.npz").stat().st_size < 1_000_000


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_files_stay_small_rooms(path: Path) -> None:
    """One idea a file: at most 260 lines; every file says in its first line what it is."""
    text = path.read_text()
    assert text.count("\n") <= 260
    assert text.startswith('"""')
