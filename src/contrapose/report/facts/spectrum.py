"""How many dimensions the trained encoder uses, beside the untrained one."""

from __future__ import annotations

import numpy as np

from contrapose.errors import ArgumentError
from contrapose.evaluation import Spectrum
from contrapose.report.page import Absent, Spectra, SpectrumArm


def spectra_of(trained: np.ndarray, untrained: np.ndarray) -> Spectra | Absent:
    """Singular values of `(N, D)` embeddings of the same samples, each over its largest, with effective ranks."""
    if len(trained) < 2:
        return Absent("A spectrum needs two samples at least; give more with --data.")
    arms, sentences = [], []
    for name, embeddings in (("trained", trained), ("untrained", untrained)):
        try:
            spectrum = Spectrum.of(embeddings)
        except ArgumentError as error:
            sentences.append(f"The {name} encoder has no spectrum: {error}")
            continue
        largest = float(spectrum.singular[0])
        arms.append(SpectrumArm(name, [float(value) / largest for value in spectrum.singular]))
        sentences.append(
            f"The {name} encoder's embeddings behave like {spectrum.effective_rank:.1f} equally used dimensions "
            f"of {len(spectrum.singular)} (effective rank, RankMe)."
        )
        finding = spectrum.finding()
        if finding is not None:
            sentences.append(f"Warning, {name}: {finding}.")
    return Spectra(arms, sentences) if arms else Absent(" ".join(sentences))
