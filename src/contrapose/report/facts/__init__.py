"""Collecting: from a run's files, data and encoder to the plain values of `page.py`. Nothing here knows HTML."""

from contrapose.lazy import lazy_exports

_HOMES = {
    "answers_of": "answers",
    "attack_head_of": "run",
    "curves_of": "curves",
    "gallery_of": "neighbours",
    "head_of": "run",
    "left_pictures_of": "left_pictures",
    "map_of": "map",
    "measured_of": "perturbation",
    "pairing_of": "pairing",
    "parts_of": "parts",
    "perturbed_of": "perturbation",
    "relations_of": "relations",
    "repair_of": "repair",
    "results_of": "results",
    "setup_of": "run",
    "sides_of": "sides",
    "spectra_of": "spectrum",
    "stages_of": "stages",
    "views_of": "views",
}

__getattr__, __dir__ = lazy_exports(__name__, {name: f"{__name__}.{home}" for name, home in _HOMES.items()})
