"""One of several processes that `contrapose embed --processes` starts: `python -m` this, with the options as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from contrapose.commands.embed import embed
from contrapose.errors import ContraposeError


def main(words: Sequence[str]) -> None:
    """Embed the parts that are this process's."""
    try:
        embed(**json.loads(words[0]))
    except ContraposeError as error:
        print(f"contrapose: {error}", file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main(sys.argv[1:])
