"""The options of views of sequences: a frozen dataclass, and so the run's config and the command line's flags.

Nothing here needs torch.
"""

from __future__ import annotations

from dataclasses import dataclass

from contrapose.errors import OptionError
from contrapose.words import counted, percent

_SHARES = ("crop_min", "crop_max", "break_chance", "broken_joints", "shear_chance", "reverse", "drop_channels")
_AMOUNTS = ("shear", "rotate", "scale", "jitter")


@dataclass(frozen=True, kw_only=True)
class FrameViews:
    """How views of a sequence are made: a piece of it, brought to the working length; of joints in space either some
    are broken or all are sheared; plain channels are scaled, made noisy or left out.

    Errors:
        OptionError: a value out of its range.
    """

    count: int = 2
    """Views of each sequence. Two: MoCo (arXiv 1911.05722)."""
    crop_min: float = 0.5
    """Least share of the frames that a view is of, in one piece. [design] 0.5; HaLP (arXiv 2304.00387) takes 0.1, and
    64 frames at least, of sequences of up to 300."""
    crop_max: float = 1.0
    """Largest share of the frames that a view is of. 1: HaLP."""
    crop_frames: int = 8
    """Frames that a piece has at least, where there are as many. [design] 8; HaLP takes 64, its working length."""
    break_chance: float = 0.5
    """Of joints: chance of a view to have broken ones. 0.5: HaLP's code, as what CMD (arXiv 2208.12448) published."""
    broken_joints: float = 0.2
    """Share of the joints that break: set to 0, or moved by one random map of coordinates, half of the times each.
    [design] 0.2; HaLP takes 0.6, 15 of 25, of 56,880 sequences."""
    shear_chance: float = 0.5
    """Of joints: chance of a view to be sheared; those with broken joints are not. 0.5: likewise."""
    shear: float = 0.3
    """Largest share of one coordinate that is added to another. [design] 0.3; HaLP takes 1, with which 30 epochs of
    simclr on the 291 training sequences of MSR-Action3D gave a ridge probe of 55 %; 0.2 without broken joints 68."""
    rotate: float = 0.0
    """Of joints in 3 dimensions: largest angle by which a view is turned about the upright (second) axis, in degrees.
    Off; 30 is a start [design]."""
    reverse: float = 0.0
    """Chance of a view to run backwards. Off: many actions become others (sit down, stand up)."""
    scale: float = 0.1
    """Of plain channels: standard deviation of the factor, around 1, by which each is multiplied about its mean. 0.1:
    Um et al. (arXiv 1706.00527)."""
    jitter: float = 0.05
    """Of plain channels: standard deviation of the noise of each number, in those of its channel. 0.05: likewise."""
    drop_channels: float = 0.1
    """Of plain channels: chance of each to be left out of a view, its mean in its place; one is always left. [design]
    0.1"""

    def __post_init__(self) -> None:
        for name in ("count", "crop_frames"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise OptionError(f"{name} is {value!r}; it must be a whole number, at least 1.", name)
        for name in (*_SHARES, *_AMOUNTS):
            value = getattr(self, name)
            most = 1 if name in _SHARES else float("inf")
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
                ends = "from 0 to 1" if name in _SHARES else "0 or more"
                raise OptionError(f"{name} is {value!r}; it must be a number, {ends}.", name)
        if self.crop_min > self.crop_max:
            raise OptionError(
                f"crop_min is {self.crop_min:g}, above crop_max, which is {self.crop_max:g}. Set both, the smaller "
                "first.",
                *("crop_min", "crop_max"),
            )
        if self.break_chance + self.shear_chance > 1:
            raise OptionError(
                f"break_chance and shear_chance are {self.break_chance:g} and {self.shear_chance:g}: a view is broken, "
                "sheared or neither, so together they must be 1 at most.",
                *("break_chance", "shear_chance"),
            )

    def total(self) -> int:
        """How many views there are of each sequence."""
        return self.count

    def in_words(self) -> str:
        """What is done to a sequence, for people."""
        done = [f"a piece of {percent(self.crop_min)} to {percent(self.crop_max)} of it"]
        if self.break_chance:
            done.append(f"{percent(self.broken_joints)} of the joints broken in {percent(self.break_chance)} of them")
        if self.shear_chance and self.shear:
            done.append(f"sheared by up to {self.shear:g} in {percent(self.shear_chance)}")
        if self.rotate:
            done.append(f"turned by up to {self.rotate:g} degrees")
        if self.reverse:
            done.append(f"backwards in {percent(self.reverse)}")
        plain = [f"{name} {value:g}" for name, value in (("scaled by", self.scale), ("noise of", self.jitter)) if value]
        plain += [f"{percent(self.drop_channels)} left out"] if self.drop_channels else []
        done += [f"plain channels {', '.join(plain)}"] if plain else []
        return f"{counted(self.count, 'view')} of each sequence: {'; '.join(done)}"
