"""Options with which each registered method is a small one whose parts all work within a few steps."""

from __future__ import annotations

from typing import Any

OWN: dict[str, dict[str, Any]] = {  # so that what they remember is full, and used, within nine steps
    "moco": {"queue": 32},
    "isd": {"queue": 32},
    "nnclr": {"queue": 32},
    "mochi": {"queue": 32, "hardest": 8, "mix_after": 3},
    "halp": {"queue": 16, "prototypes": 4, "positives": 6, "refit_steps": 2, "start": 0.1},
    "cdvg": {"translator_steps": 2, "translator_batch": 4, "translator_width": 4},
    "t2i-supcon": {"represent_epochs": 1, "painter_width": 4, "noise": 4, "judge_epochs": 1, "kept_out": 0.0},
    "swav": {"prototypes": 8, "freeze_prototypes": 4, "queue": 32, "queue_after": 2},
}
NEEDS: dict[str, dict[str, Any]] = {
    "sepclr": {"target": "2"},
    "imaginet": {"real": "2"},
    "supremix": {"number_column": "degrees"},
    **{name: {"limit": 14} for name in ("sasrec", "cl4srec", "mclrec")},  # of whose 51 places batches are of 16
}
