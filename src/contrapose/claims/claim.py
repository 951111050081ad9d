"""What a claim is: arms that differ in one thing, the ground they are compared on, and predictions made beforehand."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from contrapose.claims.outside import OUTSIDE
from contrapose.claims.places import CIFAR10
from contrapose.claims.protocol import Protocol
from contrapose.errors import ArgumentError, did_you_mean
from contrapose.methods import METHODS, one_job
from contrapose.modalities import MODALITIES, Modality

if TYPE_CHECKING:
    from contrapose.claims.ground import Ground, MakeGround
    from contrapose.claims.measures import Measure
    from contrapose.claims.results import Results
    from contrapose.methods import Method

UNTRAINED = "untrained"
"""The arm, of every claim, that says what a network knows before training."""


@dataclass(frozen=True)
class Arm:
    """One side of a comparison.

    Arguments:
        name: how tables call it.
        method: a registered method.
        options: of that method, on top of the claim's own.
        grid: option -> values; every combination is a trial on the validation split. Empty: nothing to tune.
        tuned_as: take over what was chosen for this other arm (of the same method), without trials of its own.
        data: which of the ground's pretraining sets it learns from.
        longer: its epochs, as a multiple of the protocol's: for equal work, where its steps cost less than others'.
        on: option -> an earlier arm whose encoder it names (`init`, `base`): `"victim"`, or `"victim/teacher"` for
            another artifact of that arm's run. The two are of one seed.
        beside: earlier arms whose encoders its measures ask as well (`Subject.given`).
    """

    name: str
    method: str
    options: Mapping[str, Any] = field(default_factory=dict)
    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    tuned_as: str | None = None
    data: str = "pretraining"
    longer: float = 1.0
    on: Mapping[str, str] = field(default_factory=dict)
    beside: Sequence[str] = ()

    @property
    def needs(self) -> tuple[str, ...]:
        """The arms that have to be there before it, by name."""
        return tuple(dict.fromkeys([*(place.partition("/")[0] for place in self.on.values()), *self.beside]))

    def trials(self) -> list[dict[str, Any]]:
        """Every combination of the grid, in order; one empty trial when there is no grid."""
        return [dict(zip(self.grid, values, strict=True)) for values in itertools.product(*self.grid.values())]


@dataclass(frozen=True)
class Prediction:
    """A number a seed that was predicted to lie above `threshold`, before anything was measured.

    Arguments:
        statement: the prediction in a sentence.
        arms: the arms it speaks of (floors count).
        value: results -> `(S,)`, one number a seed.
        threshold: what it must exceed; below 0 for "not worse by more than".
        role: "claim": judged by the interval over seeds, and decides the claim; "secondary": judged alike, decides
            nothing; "mechanism": must hold in every single seed.
        percent: print as percentage points.
    """

    statement: str
    arms: Sequence[str]
    value: Callable[[Results], np.ndarray]
    threshold: float = 0.0
    role: Literal["claim", "secondary", "mechanism"] = "claim"
    percent: bool = True


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A published claim as an experiment: paired seeds, equal tuning, floors, and predictions that can fail.

    Arguments:
        name: how `contrapose reproduce` calls it.
        title: the claim in a sentence.
        paper: authors, venue, link, and the figure they print.
        arms: what is compared.
        predictions: at least one of role "claim".
        protocol: the size that two cores can afford; `full` the larger one, for a GPU.
        ground: makes the data of a seed.
        measures: what is measured on each encoder.
        choose_by: name of the measure that tuning maximises on the validation split.
        modality: the kind of data of the ground; its floor stands beside the arms.
        source: where the data come from unless `--data` says; None: it has to.
        outside: baselines that others trained (`claims.outside`), beside the floors where their packages are installed.
        remarks: what a reader should know: departures from the paper, and what was tried when it was not resolved.

    Errors:
        ArgumentError: a prediction about an arm that is missing, no prediction, arms with unequal numbers of trials, a
            name twice, an unknown kind of data, an arm of several stages to be measured before its end, an arm that is
            given what a later one trains.
    """

    name: str
    title: str
    paper: str
    arms: Sequence[Arm]
    predictions: Sequence[Prediction]
    protocol: Protocol
    full: Protocol
    ground: MakeGround
    measures: Sequence[Measure]
    choose_by: str = "kNN"
    remarks: Sequence[str] = ()
    modality: str = "image"
    source: str | None = CIFAR10
    outside: Sequence[str] = ()

    @property
    def kind(self) -> Modality:
        """What describes its kind of data."""
        return MODALITIES[self.modality]

    @property
    def floors(self) -> tuple[str, ...]:
        """Arms that every claim has, the untrained network and what the data know by themselves, and baselines from
        outside."""
        return UNTRAINED, self.kind.floor_name, *(name for name in self.outside if OUTSIDE[name].there)

    @property
    def notes(self) -> list[str]:
        """The remarks, and what the baselines from outside are."""
        beside = [f"{name}: {OUTSIDE[name].about}." for name in self.outside if OUTSIDE[name].there]
        return [*self.remarks, *beside]

    def make_ground(self, source: str, protocol: Protocol, seed: int) -> Ground:
        """The data of a seed.

        Errors:
            ArgumentError: a ground of another kind of data than the claim says.
        """
        ground = self.ground(source, protocol, seed)
        if ground.modality.name != self.modality:
            raise ArgumentError(
                f"The claim {self.name!r} is on {self.kind.plural}, and its ground of {source} holds "
                f"{ground.modality.plural}: give it modality={ground.modality.name!r}, or other data."
            )
        return ground

    def __post_init__(self) -> None:
        names = [arm.name for arm in self.arms]
        where = f"The claim {self.name!r}"
        if len(set(names)) < len(names):
            raise ArgumentError(f"{where} has two arms of one name ({', '.join(names)}); give each its own.")
        for name in self.outside:
            if name not in OUTSIDE or OUTSIDE[name].modality != self.modality:
                known = ", ".join(key for key, one in OUTSIDE.items() if one.modality == self.modality) or "none"
                raise ArgumentError(
                    f"{where} is on {self.kind.plural}, and there is no baseline {name!r} of these from outside."
                    f"{did_you_mean(name, OUTSIDE)} There is: {known}."
                )
        if not any(prediction.role == "claim" for prediction in self.predictions):
            raise ArgumentError(f"{where} predicts nothing; give it a Prediction of role 'claim'.")
        for prediction in self.predictions:
            for name in prediction.arms:
                if name not in (*names, *self.floors[:2]):
                    raise ArgumentError(
                        f"{where} predicts something of the arm {name!r}, which is missing."
                        f"{did_you_mean(name, [*names, *self.floors[:2]])} Its arms: {', '.join(names)}."
                    )
        for arm in self.arms:
            self._check_moments(arm, METHODS[arm.method])  # an unknown name is refused here, with the nearest one
            if arm.tuned_as is not None and (arm.grid or arm.tuned_as not in names):
                raise ArgumentError(
                    f"{where}: the arm {arm.name!r} is tuned as {arm.tuned_as!r}, which must be another arm "
                    f"({', '.join(names)}), and then it has no grid of its own."
                )
        self._check_order(where)
        counts = {arm.name: len(arm.trials()) for arm in self.arms if arm.tuned_as is None}
        if len({count for count in counts.values() if count > 1}) > 1:
            raise ArgumentError(
                f"{where} tunes its arms with unequal numbers of trials ({counts}); give each grid as many values."
            )

    def _check_order(self, where: str) -> None:
        """Arms that stand on others come after them, and what they stand on is not chosen."""
        before: dict[str, Arm] = {}
        for arm in self.arms:
            for name in arm.needs:
                if name not in before:
                    known = ", ".join(before) or "none"
                    raise ArgumentError(
                        f"{where}: the arm {arm.name!r} is given what {name!r} has trained, which is no arm before it."
                        f"{did_you_mean(name, before)} There is: {known}."
                    )
                if before[name].grid or before[name].tuned_as:
                    raise ArgumentError(
                        f"{where}: the arm {arm.name!r} is given what {name!r} has trained, whose options are chosen "
                        "among several: give that one fixed options."
                    )
            before[arm.name] = arm

    def _check_moments(self, arm: Arm, method: type[Method]) -> None:
        """Stages are no shares of one training: what was there after half of the epochs would be nobody's."""
        shares = {share for protocol in (self.protocol, self.full) for share in protocol.measure_at}
        if not one_job(method) and shares != {1.0}:
            raise ArgumentError(
                f"The claim {self.name!r} measures its arms after shares {sorted(shares)} of the epochs, and the arm "
                f"{arm.name!r} has stages of its own, so that it is measured at its end alone. Give the protocol "
                "measure_at=(1.0,); of what an earlier stage left, a measure asks subject.beside('STAGE/encoder')."
            )
