"""Which joint hangs on which: the skeletons of some cameras, by name, and the one that some joints look like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from contrapose.errors import ArgumentError, did_you_mean

LOOKED_AT = 500  # frames
NEAR = 0.7
"""Mean length of a bone, as a share of the mean distance of two joints, up to which joints look like a skeleton
[design]: 0.4 to 0.5 of true ones, 1 of joints in another order."""


@dataclass(frozen=True)
class Skeleton:
    """A tree of J joints.

    Arguments:
        name: as `--skeleton` has it.
        parents: for each joint the number of the one it hangs on; the root hangs on itself.
        hip: the joint that stands for where the body is.
    """

    name: str
    parents: tuple[int, ...]
    hip: int

    @property
    def bones(self) -> list[tuple[int, int]]:
        """(joint, parent) of all but the root."""
        return [(joint, parent) for joint, parent in enumerate(self.parents) if joint != parent]


KINECT = Skeleton("kinect", (0, 0, 1, 2, 2, 4, 5, 6, 2, 8, 9, 10, 0, 12, 13, 14, 0, 16, 17, 18), 0)
"""20 joints in the order of the first Kinect: hip, spine, neck, head, both arms, both legs."""
MSR = Skeleton("msr-action3d", (2, 2, 3, 6, 6, 6, 6, 0, 1, 7, 8, 9, 10, 4, 5, 13, 14, 15, 16, 2), 6)
"""The same 20 joints in the order of MSR-Action3D: shoulders, neck, spine, hips, elbows, ..., head last."""
NTU = Skeleton(
    *("ntu", (1, 20, 20, 2, 20, 4, 5, 6, 20, 8, 9, 10, 0, 12, 13, 14, 0, 16, 17, 18, 20, 22, 7, 24, 11)), hip=0
)
"""25 joints in the order of the second Kinect, as NTU RGB+D and PKU-MMD have them; the joint between the shoulders is
the root."""

SKELETONS = {found.name: found for found in (KINECT, MSR, NTU)}


def skeleton_of(joints: np.ndarray, asked: str | None) -> Skeleton | None:
    """The skeleton that was asked for; else the known one whose bones are shortest, where they are short; else None.

    Shapes:
        joints: `(S, J, C)` of any sequences.

    Errors:
        ArgumentError: an unknown name, or a skeleton of another number of joints.
    """
    count = joints.shape[1] if joints.ndim == 3 else 0
    if asked == "none":
        return None
    if asked not in (None, "auto"):
        if asked not in SKELETONS:
            raise ArgumentError(f"No skeleton {asked!r}.{did_you_mean(asked, [*SKELETONS, 'none'])}")
        found = SKELETONS[asked]
        if len(found.parents) != count:
            has = f"{count} joints" if count else "channels without joints"
            raise ArgumentError(
                f"The skeleton {asked} has {len(found.parents)} joints and these sequences have {has}: leave "
                "--skeleton out (skeleton=)."
            )
        return found
    able = [found for found in SKELETONS.values() if len(found.parents) == count]
    if not able or joints.shape[2] not in (2, 3):
        return None
    some = joints[:: max(1, len(joints) // LOOKED_AT)].astype(np.float64)  # (s, J, C)
    some = some[np.isfinite(some).all(axis=(1, 2))]
    if not len(some):
        return None
    apart = np.linalg.norm(some[:, :, None] - some[:, None], axis=-1).mean(axis=0)  # (J, J)
    lengths = {found.name: float(np.mean([apart[bone] for bone in found.bones])) for found in able}
    best = min(able, key=lambda found: lengths[found.name])
    usual = apart.sum() / (count * (count - 1))
    return best if lengths[best.name] < NEAR * usual else None
