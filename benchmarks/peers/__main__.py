"""`python benchmarks/peers`: finds its own folder, whatever the working directory, and hands over."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    from peers.command import main

    main()
