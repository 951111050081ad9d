"""Encoders and classifiers under a perturbation: how they answer, and what they have in common with whom it was made
against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from contrapose.classifier import load_classifier
from contrapose.data import Images, Samples, derived_generator
from contrapose.embedder import Embedder, load
from contrapose.encoders import ImageEncoder, fingerprint_of
from contrapose.encoders.classifier_folder import classifier_folder
from contrapose.errors import ArgumentError, DataError, RunError
from contrapose.evaluation import Interval, accuracy_lost, fit_linear_probe, knn_predict
from contrapose.perturber import Perturber
from contrapose.robustness import sign_noise
from contrapose.tasks.parts import Parts
from contrapose.training.run_folder import RunFolder

HEADS, PROBE, NEIGHBOURS = "its own heads", "linear probe", "kNN"
K = 20
NOISE = "noise beside a perturbation"

Answer = Callable[[np.ndarray], np.ndarray]
"""Embeddings `(N, D)` to class names `(N,)`."""


@dataclass(frozen=True, eq=False)
class Bound:
    """A perturbation at some size, and noise of that size.

    Arguments:
        level: grey levels of 255; None: a patch as it is, beside patches of noise.
    """

    perturber: Perturber
    level: int | None

    @property
    def facts(self) -> dict[str, Any]:
        """Its name for people, and for JSON."""
        if self.level is None:
            return {"at_most": f"{100 * self.perturber.saved.bound['area']:.3g} % of the picture", "norm": "area"}
        return {"at_most": f"{self.level}/255", "norm": "linf", "levels": self.level}

    def changed(self, images: Images) -> np.ndarray:
        """`(N, C, H, W)` uint8."""
        return self._at_level().perturb(images)

    def noisy(self, images: Images, generator: torch.Generator) -> np.ndarray:
        """The same of a draw of noise."""
        if self.level is not None:
            pixels = images.batch(torch.arange(len(images)))  # (N, C, H, W) uint8
            return sign_noise(pixels, self.level / 255, generator=generator).numpy()
        patch = self.perturber.saved.tensors["patch"]
        return self.perturber.with_tensors(patch=torch.rand(patch.shape, generator=generator)).perturb(images)

    def _at_level(self) -> Perturber:
        return self.perturber if self.level is None else self.perturber.within(self.level / 255)


@dataclass(frozen=True, eq=False)
class PerturbedVictim:
    """Who is measured.

    Arguments:
        place: as it was given.
        embedder: in evaluation mode.
        heads: what its own heads answer; None: it has none.
        known: the classes that these know.
        record: its `config.json`; empty without one.
    """

    place: str
    embedder: Embedder
    heads: Answer | None
    known: tuple[str, ...]
    record: dict[str, Any]

    @property
    def facts(self) -> dict[str, str]:
        """Who it is, as JSON."""
        encoder: Any = self.embedder.encoder
        return {"victim": self.place, "encoder": encoder.name, "fingerprint": fingerprint_of(encoder)}

    def answering(self, parts: Parts, *, seed: int) -> Answering:
        """With what it needs to answer.

        Errors:
            DataError: its heads know none of the classes.
        """
        answers: dict[str, Answer] = {}
        if self.heads is not None:
            if not set(parts.wanted.tolist()) & set(self.known):
                raise DataError(
                    f"{self.place} knows none of the classes of {parts.test.origin}: it knows "
                    f"{', '.join(self.known[:5])}. Give pictures of its own classes."
                )
            answers[HEADS] = self.heads
        if len(parts.bank):
            bank, known = self.embedder.embed(parts.bank), parts.known  # (M, D), (M,)
            if self.heads is None:
                generator = torch.Generator().manual_seed(seed)
                answers[PROBE] = fit_linear_probe(bank, known, generator=generator).predict
            answers[NEIGHBOURS] = lambda z: np.asarray(knn_predict(bank, known, z, k=min(K, len(bank))))
        return Answering(self.embedder, answers, parts)


@dataclass(frozen=True, eq=False)
class Answering:
    """Answers of a victim about pictures, by each way it has."""

    embedder: Embedder
    answers: dict[str, Answer]
    parts: Parts

    def right(self, pixels: np.ndarray) -> dict[str, np.ndarray]:
        """By each way 1 where it is right, `(N,)`."""
        test: Any = self.parts.test
        z = self.embedder.embed(Images(pixels, origin=test.origin, preparation=test.preparation))  # (N, D)
        return {by: np.asarray(answer(z) == self.parts.wanted, np.float64) for by, answer in self.answers.items()}

    def under(self, bound: Bound, *, draws: int, seed: int) -> dict[str, dict[str, Any]]:
        """By each way, accuracies as they are, under noise and changed, as JSON."""
        test: Any = self.parts.test
        clean = self.right(test.batch(torch.arange(len(test))).numpy())
        changed = self.right(bound.changed(test))
        noise = [self.right(bound.noisy(test, derived_generator(seed, NOISE, draw))) for draw in range(draws)]
        found = {}
        for by in self.answers:
            lost = accuracy_lost(clean[by], changed[by], [one[by] for one in noise])
            shares = {"clean": lost.clean, "noise": lost.noise, "changed": lost.changed, "asked": lost.count}
            found[by] = {**shares, "lost": _listed(lost.drop), "beyond": _listed(lost.over_noise)}
        return found


@dataclass(frozen=True)
class Learned:
    """What a perturbation was made of: by fingerprints, its pictures, its surrogates, and what these learned from."""

    pictures: str | None
    surrogates: tuple[str, ...]
    of_surrogates: tuple[str | None, ...]

    @classmethod
    def of(cls, run: str, perturber: Perturber) -> Learned:
        """Of what was kept with the perturbation, or else stands in the run's record."""
        saved = perturber.saved
        kept = saved.extra.get("learned_from", {})
        pictures = kept.get("pictures") or _data_of(_record(run))
        surrogates = tuple(victim.fingerprint for victim in saved.victims)
        data = kept.get("surrogates") or [_data_of(_record(victim.source)) for victim in saved.victims]
        return cls(pictures, surrogates, tuple(data))

    def kin_of(self, victim: PerturbedVictim, asked: Samples) -> dict[str, Any]:
        """Whether it is a stranger to all this, as JSON: "same_weights", "same_data" (None: nobody knows), a note."""
        record, own = victim.record, victim.facts["fingerprint"]
        begun = {record.get(name, {}).get("fingerprint") for name in ("init", "base")}
        white = own in self.surrogates
        descended = white or bool(begun & set(self.surrogates))
        data, others = _data_of(record), {self.pictures, *self.of_surrogates}
        shared = None if data is None or others <= {None} else data in others
        note = ""
        if descended:
            how = "is one of the encoders that it was made against" if white else "began with weights of one of these"
            note = f"{victim.place} {how}: that is no unseen victim"
        elif shared is None:
            note = f"whether {victim.place} shares training data with the surrogates is not known"
        elif shared:
            note = f"{victim.place} learned from the same data as the perturbation or one of its surrogates"
        elif data == asked.fingerprint:
            note = f"{victim.place} learned from the pictures that are asked"
        return {"same_weights": descended, "same_data": shared, "note": note}


def victim_of(place: str, perturber: Perturber, *, device: str) -> PerturbedVictim:
    """An encoder or a classifier, to be measured under a perturbation.

    Errors:
        RunError: no encoder there.
        ArgumentError: one of another kind of data or form.
    """
    heads: Answer | None = None
    known: tuple[str, ...] = ()
    embedder: Embedder
    if classifier_folder(place) is not None:
        classifier = load_classifier(place, device=device)
        embedder, known = classifier, classifier.classes

        def heads(z: np.ndarray) -> np.ndarray:
            return classifier.answers(z)[0][0]

    else:
        embedder = load(place, device=device)
    encoder, saved = embedder.encoder, perturber.saved
    if not isinstance(encoder, ImageEncoder):
        towers = "; what a patch does to two towers, contrapose analyse patch measures" * (saved.kind == "patch")
        raise ArgumentError(
            f"{place} is an encoder of {encoder.modality} data, and this is measured on encoders and classifiers of "
            f"pictures{towers}."
        )
    if encoder.channels != saved.channels or encoder.image_size != saved.image_size:
        raise ArgumentError(
            f"{place} takes pictures of {encoder.image_size} pixels in {encoder.channels} channel(s), and the "
            f"perturbation is for {saved.image_size} pixels in {saved.channels}. Give encoders of its own form, or "
            "attack with pictures of theirs (--image-size, --channels)."
        )
    return PerturbedVictim(place, embedder, heads, known, _record(place))


def _record(place: str) -> dict[str, Any]:
    """The `config.json` of a run; empty where there is none, or it cannot be read."""
    try:
        return RunFolder(Path(place)).read_record()
    except (RunError, OSError):
        return {}


def _data_of(record: dict[str, Any]) -> str | None:
    found = record.get("data", {}).get("fingerprint")
    return found if isinstance(found, str) else None


def _listed(interval: Interval) -> list[float]:
    return [interval.value, interval.low, interval.high]
