"""Who is whose positive in this method: its own learner, asked about a small batch."""

from __future__ import annotations

import torch

from contrapose.data.batch import Batch
from contrapose.data.samples import NEXT, NUMBER
from contrapose.encoders import Encoder, frozen
from contrapose.errors import ArgumentError
from contrapose.methods import Method, WithBase
from contrapose.modalities import modality_of
from contrapose.pairing import Pairing, PartnerPairing, TargetPairing
from contrapose.report.page import PairingPicture

BATCHES = (4, 16)  # the second for methods that need more samples than the first has
MOST_DRAWN = 24  # anchors, and candidates: a queue has thousands


def pairing_of(config: Method, encoder: Encoder, *, labelled: bool) -> PairingPicture:
    """What the method's pairing looks like; the samples do not matter for it, so they are made up.

    Arguments:
        encoder: of the run; it is not trained, only asked.
        labelled: whether samples have labels: then the first two are of one class and every other one is alone.

    Errors:
        ArgumentError: a method that takes no small batch, or needs labels that are not there; one that pairs parts of
            samples says so in words.
    """
    if config.pairing_note:
        raise ArgumentError(config.pairing_note)
    training = encoder.training
    try:
        return _asked(config, encoder, BATCHES[0], labelled)
    except ArgumentError:
        return _asked(config, encoder, BATCHES[1], labelled)
    finally:
        encoder.train(training)


def _asked(config: Method, encoder: Encoder, size: int, labelled: bool) -> PairingPicture:
    """The pairing of one batch of noise, from the method's own learner."""
    labels = torch.tensor([0, *range(size - 1)]) if labelled else None  # (B,)
    known = {NUMBER: torch.tensor([0, *range(size - 1)]).double(), NEXT: torch.ones(size, dtype=torch.long)}  # (B,)
    targets = {name: values for name, values in known.items() if name in config.shown_targets}
    device = encoder.device
    views = [modality_of(encoder).made_up(encoder, size, seed) for seed in range(config.views_seen())]
    batch = Batch(views=tuple(views), indices=torch.arange(size), labels=labels, targets=targets).to(device)
    asks = isinstance(config, WithBase) and config.asks_base
    beside = {"base": frozen(encoder)} if asks else {}  # who is asked does not matter either
    learner = config.new_learner(encoder, **beside).to(device)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        return draw(learner.eval()(batch).pairing.to("cpu"), size, labels)


def draw(pairing: Pairing, batch: int, labels: torch.Tensor | None = None) -> PairingPicture:
    """A pairing as a table, at most 24 anchors and candidates, with the rule behind it where one can be read off."""
    anchors, columns = min(pairing.anchors, MOST_DRAWN), min(pairing.candidates, MOST_DRAWN)
    tile = pairing.tile(torch.arange(anchors), slice(0, columns))
    marks = [
        ["." if not valid else "+" if positive else "-" for positive, valid in zip(*row, strict=True)]
        for row in zip(tile.positive.tolist(), tile.valid.tolist(), strict=True)
    ]
    summary = repr(pairing).splitlines()[0]
    whole = (anchors, columns) == (pairing.anchors, pairing.candidates)
    cut = (
        []
        if whole
        else [f"Drawn are {anchors} of {pairing.anchors:,} anchors, {columns} of {pairing.candidates:,} candidates."]
    )
    return PairingPicture(
        batch=batch,
        summary=f"{summary}.",
        sentences=[*_in_words(pairing, batch, labels), *cut],
        columns=pairing.candidate_names()[:columns],
        rows=list(zip(pairing.anchor_names()[:anchors], marks, strict=True)),
    )


def _in_words(pairing: Pairing, batch: int, labels: torch.Tensor | None) -> list[str]:
    """Who the positives and the negatives are: rows are view-major, so row r is a view of sample r modulo B."""
    anchors = pairing.anchors
    tile = pairing.tile(torch.arange(anchors), slice(0, pairing.candidates))
    positive, negative = tile.positive, tile.negative  # (N, M)
    samples = torch.arange(pairing.candidates) % batch  # (M,)
    same_sample = torch.arange(anchors).unsqueeze(1) % batch == samples  # (N, M)
    sentences = []
    if positive[:, :anchors].diagonal().all():
        sentences.append("Anchors are one view of the samples; candidates are another view of them.")
    if not positive.any():
        sentences.append("Positives (+): none in this batch.")
    elif not (positive & ~same_sample).any():
        sentences.append("Positives (+): other views of the same sample. Labels play no part.")
    elif isinstance(pairing, PartnerPairing):
        sentences.append(
            "Positives (+): rows of the class that was drawn as the anchor's partner, in every step anew. Other rows "
            "of its own class are ignored. Samples 0 and 1 were given one class, every other sample its own."
        )
    elif isinstance(pairing, TargetPairing):
        sentences.append(
            "Positives (+): rows of the same number, other views of the sample among them. "
            "Samples 0 and 1 were given one number, every other sample its own."
        )
    elif labels is not None:
        sentences.append(
            "Positives (+): rows of the same class, other views of the sample among them. "
            "Samples 0 and 1 were given one class, every other sample its own."
        )
    else:
        sentences.append("Positives (+): as marked, beyond views of the same sample.")
    inside, queued = bool(negative[:, :anchors].any()), bool(negative[:, anchors:].any())
    who = ["all other candidates of the batch"] * inside + ["a queue of earlier embeddings"] * queued
    return [*sentences, f"Negatives (-): {' and '.join(who) or 'none; nothing is pushed away'}."]
