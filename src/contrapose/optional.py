"""Optional dependencies: imported where they are used, named with the extra that installs them."""

from __future__ import annotations

import importlib
from types import ModuleType

from contrapose.errors import MissingExtraError


def optional(module: str, *, extra: str) -> ModuleType:
    """Import `module`, or say which extra installs it.

    A package that is there but breaks while being imported (torchvision beside a CPU build of torch raises a
    `RuntimeError`, for one) is reported in the same way, with its own words.

    Arguments:
        module: dotted name to import, e.g. `"polars"`.
        extra: the extra of this package that brings it, e.g. `"tables"`.

    Errors:
        MissingExtraError: the module is absent or cannot be imported.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0] == module.split(".")[0]:
            raise MissingExtraError(
                f"{module} is needed for this and is not installed. Install it with: pip install 'contrapose[{extra}]'"
            ) from error
        raise _broken(module, extra, error) from error
    except Exception as error:  # whatever a broken package raises while being imported
        raise _broken(module, extra, error) from error


def _broken(module: str, extra: str, error: Exception) -> MissingExtraError:
    reason = f"{type(error).__name__}: {error}".splitlines()[0]
    return MissingExtraError(
        f"{module} is installed but cannot be imported ({reason}). "
        f"Reinstall it with: pip install --force-reinstall 'contrapose[{extra}]'"
    )
