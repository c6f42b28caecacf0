"""No accuracy without a certificate, and no certificate from a split that leaks."""

from __future__ import annotations

from dataclasses import InitVar, dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from models.leakage.split import digest
from models.leakage.verdict import judge

if TYPE_CHECKING:
    from models.leakage.scale import Scale
    from models.leakage.split import Split
    from models.shapes import IntArray

PartName = Literal["train", "calibrate", "test"]

_BY_CERTIFY = object()


class Leak(ValueError):
    """What judges was seen by what learns; the sentences say what, one a line."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """That a split was judged and is clean. Only `certify` gives one.

    train, calibrate, test: the digests of the windows that it speaks of
    claim: what an accuracy from it is about
    """

    train: str
    calibrate: str
    test: str
    claim: str
    issuer: InitVar[object]

    def __post_init__(self, issuer: object) -> None:
        """Refuse to be made by anyone else."""
        if issuer is not _BY_CERTIFY:
            message = "a Certificate is given by certify(split) alone"
            raise TypeError(message)

    def vouch(self, name: PartName, windows: npt.NDArray[Any]) -> None:
        """Raise Leak unless these are the certified windows of that part, in order.

        For whoever learns or calibrates: that it holds the rows which it may hold.
        """
        if digest(windows) != getattr(self, name):
            message = (
                f"these {len(windows)} windows are not the certified ones of {name}, "
                "all of them and in their order"
            )
            raise Leak(message)


class Judged(NamedTuple):
    """Labels beside predictions, on rows that nobody learned from.

    accuracy: mean [labels == predictions], over the frames that are labelled (>= 0)
    claim: what it is about
    """

    labels: IntArray
    predictions: IntArray
    accuracy: float
    claim: str


def certify(split: Split, scale: Scale | None = None) -> Certificate:
    """Certify a clean split; raise Leak, naming each leak, for any other.

    With a scale, that it was fitted on the training windows and on nothing else.
    """
    verdict = judge(split)
    leaks = list(verdict.leaks)
    if not len(split.train.prints) or not len(split.test.prints):
        leaks.append("train or test holds no window: there is nothing to judge")
    if scale is not None and scale.rows != split.train.digest:
        leaks.append("the scale was fitted on other windows than those of train")
    if leaks:
        raise Leak("\n".join(["the split leaks:", *leaks]))
    return Certificate(
        split.train.digest,
        split.calibrate.digest,
        split.test.digest,
        verdict.claim,
        issuer=_BY_CERTIFY,
    )


def judged(
    certificate: Certificate,
    windows: npt.NDArray[Any],
    labels: npt.NDArray[Any],
    predictions: npt.NDArray[Any],
) -> Judged:
    """Judge predictions (B,) or (B, T) on the certified test windows (B, .., T).

    Raise Leak when the windows are not those, all and in order; a label under 0 is
    "not labelled" and is not judged.
    """
    certificate.vouch("test", windows)
    truth = _whole("labels", labels, len(windows))
    guess = _whole("predictions", predictions, len(windows))
    if truth.shape != guess.shape:
        message = f"labels have shape {truth.shape} and predictions {guess.shape}"
        raise ValueError(message)
    counts = truth >= 0
    if not counts.any():
        raise ValueError("labels hold no label: there is nothing to judge")
    right = float((truth == guess)[counts].mean())
    return Judged(truth, guess, right, certificate.claim)


def _whole(name: str, values: npt.NDArray[Any], n_windows: int) -> IntArray:
    """Refuse what are no whole numbers, one row for each window."""
    values = np.asarray(values)
    if values.dtype.kind not in "iu" or values.ndim not in {1, 2}:
        message = (
            f"{name} have type {values.dtype} and shape {values.shape}: "
            "wanted whole numbers (B,) or (B, T)"
        )
        raise ValueError(message)
    if len(values) != n_windows:
        message = f"{name} have {len(values)} rows: wanted {n_windows}"
        raise ValueError(message)
    whole: IntArray = values.astype(np.int64)
    return whole
