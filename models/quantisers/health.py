"""Is a quantiser sound? What was seen of some training steps, and what it says.

The faults that ruin a codebook are silent: nothing raises, the loss is a number, and
weeks later every frame has one code. Each of them leaves a mark in what is kept here,
and each has a name. Nothing is trained here; watching.py gathers the evidence.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
# A step of averages goes a hundredth of the way to its own frames, not to its past.
BACK = 0.02
# A code with less of a mean count than this may be called dead.
BARELY = 0.1
UNDERSCORED = str.maketrans(" -", "__")


class Evidence(NamedTuple):
    """What was seen of S training steps; None where there is no such thing.

    frames (S, N, Z): what came, as rows
    wins (S, C): how often each code was taken
    losses (S,): mean squared difference of frames and codes
    passing (S,): |d z_q / d z| per entry, 1 for a plain straight-through
    pull (S,): |d commitment / d z| over |d mse / d z|, the commitment's weight
    total_pull (S,): the same of the loss that is trained on
    stray (S,): the same of the codebook's loss, which must not reach the encoder
    books (S+1, C, Z): the codes before the first step and after each
    counts (S+1, C), sums (S+1, C, Z): what the codes are averages of
    two_masters: how many parameters a mere pass in training has changed
    thrown_at: the step before which codes were thrown away, to see them come back
    """

    frames: Floats
    wins: npt.NDArray[np.integer]
    losses: Floats
    passing: Floats
    pull: Floats | None = None
    total_pull: Floats | None = None
    stray: Floats | None = None
    books: Floats | None = None
    counts: Floats | None = None
    sums: Floats | None = None
    two_masters: int = 0
    thrown_at: int | None = None


class Limits(NamedTuple):
    """From where on a value is ill.

    gradient: least pull and passing. explosion: largest over first loss. reach: the
    farthest code over the farthest frame, both from the mean frame. apart: |e - m/N|
    over the reach of frames. lost: share of revived codes that were put back. stuck:
    last over first loss, and unexplained: share of the frames' variance that is left;
    a loss is stuck when it passes both. perplexity and usage: of all steps together.
    """

    gradient: float = 1e-6
    explosion: float = 10.0
    reach: float = 1.5
    apart: float = 1e-3
    lost: float = 0.25
    stuck: float = 0.99
    unexplained: float = 0.9
    perplexity: float = 2.0
    usage: float = 0.05


class Finding(NamedTuple):
    """One thing that was looked at, and what it means to be beyond its limit."""

    name: str
    value: float
    limit: float
    is_ill: bool
    says: str


class Health(NamedTuple):
    """All that was looked at."""

    findings: tuple[Finding, ...]

    @property
    def is_sound(self) -> bool:
        """Nothing is ill."""
        return not self.named

    @property
    def named(self) -> tuple[str, ...]:
        """Names of what is ill."""
        return tuple(finding.name for finding in self.findings if finding.is_ill)

    def metrics(self) -> dict[str, float]:
        """Give each value by its name, with underscores, and the verdict as 0 or 1."""
        values = {f.name.translate(UNDERSCORED): f.value for f in self.findings}
        return {**values, "is_sound": float(self.is_sound)}


def judge(seen: Evidence, limits: Limits | None = None) -> Health:
    """Name what is wrong with the quantiser that left this evidence.

    Numbers: non-finite, two masters. Gradients: dead straight-through, dead gradient,
    dead loss, swapped losses. Losses: exploding loss, unexplained, stuck loss. Places:
    out of range, lost, apart, living revived. Uses: collapse, low usage.

    Raise ValueError when there is not one step or not one frame to look at.
    """
    if seen.frames.ndim != 3 or 0 in seen.frames.shape:
        found = seen.frames.shape
        raise ValueError(f"frames are {found}: wanted (S, N, Z), none of them 0")
    limits = limits or Limits()
    with np.errstate(all="ignore"):
        found = (
            *_numbers(seen),
            *_gradients(seen, limits),
            *_losses(seen, limits),
            *_places(seen, limits),
            *_uses(seen, limits),
        )
    return Health(found)


def _numbers(seen: Evidence) -> tuple[Finding, ...]:
    """Count what is not a number, and what has two masters."""
    kept = [part for part in seen if isinstance(part, np.ndarray)]
    wrong = float(sum(np.size(part) - np.isfinite(part).sum() for part in kept))
    masters = float(seen.two_masters)
    return (
        _above("non-finite", wrong, 0.0, "entries that are nan or infinite"),
        _above("two masters", masters, 0.0, "parameters that averages move as well"),
    )


def _gradients(seen: Evidence, limits: Limits) -> tuple[Finding, ...]:
    """Look whether the encoder hears of its codes."""
    asked = (
        ("dead straight-through", seen.passing, "no gradient comes through the codes"),
        ("dead gradient", seen.pull, "the commitment does not reach the encoder"),
        ("dead loss", seen.total_pull, "the trained loss does not reach the encoder"),
    )
    found = [
        _below(name, float(np.min(part)), limits.gradient, says)
        for name, part, says in asked
        if part is not None
    ]
    if seen.stray is not None:
        says = "the codebook's loss moves the encoder: the two losses are swapped"
        found.append(_above("swapped losses", float(seen.stray.max()), 1e-9, says))
    return tuple(found)


def _losses(seen: Evidence, limits: Limits) -> tuple[Finding, ...]:
    """Look whether the loss grows, or stays high."""
    quarter = max(1, len(seen.losses) // 4)
    first, last = seen.losses[:quarter].mean(), seen.losses[-quarter:].mean()
    growth = _over(float(seen.losses.max()), float(seen.losses[0]))
    ratio = _over(float(last), float(first))
    left = _over(float(last), float(seen.frames.var(axis=(0, 1)).mean()))
    is_high = not left <= limits.unexplained
    is_stuck = is_high and not ratio <= limits.stuck
    return (
        _above("exploding loss", growth, limits.explosion, "the loss grows and grows"),
        _above("unexplained", left, limits.unexplained, "one constant does as well"),
        Finding(
            "stuck loss", ratio, limits.stuck, is_stuck, "high, and it does not fall"
        ),
    )


def _places(seen: Evidence, limits: Limits) -> tuple[Finding, ...]:
    """Look where codes lie, what they are averages of, and whether they stay."""
    if seen.books is None:
        return ()
    rows = seen.frames.reshape(-1, seen.frames.shape[2])
    middle = rows.mean(axis=0)
    farthest = float(np.linalg.norm(rows - middle, axis=1).max())
    reach = float(np.linalg.norm(seen.books[-1] - middle, axis=1).max())
    revived = _revived(seen.books, seen.frames)
    lost = _lost(seen.books, revived, seen.thrown_at)
    return (
        _above("out of range", _over(reach, farthest), limits.reach, "far from frames"),
        _above("lost", lost, limits.lost, "share of revived codes that were put back"),
        *_averages(seen, limits, farthest),
        *_living(seen, revived),
    )


def _averages(seen: Evidence, limits: Limits, spread: float) -> tuple[Finding, ...]:
    """Compare codes with sums over counts."""
    if seen.books is None or seen.counts is None or seen.sums is None:
        return ()
    averages = seen.sums[-1] / seen.counts[-1][:, None]
    gaps = np.linalg.norm(seen.books[-1] - averages, axis=1)
    apart = _over(float(np.nan_to_num(gaps, nan=np.inf).max()), spread)
    return (_above("apart", apart, limits.apart, "codes are not sums over counts"),)


def _living(seen: Evidence, revived: npt.NDArray[np.bool_]) -> tuple[Finding, ...]:
    """Count revived codes whose counts said that they lived."""
    if seen.counts is None:
        return ()
    before = seen.counts[:-1]
    living = revived & (before > BARELY * before.mean(axis=1, keepdims=True))
    says = "codes that were moved though they were not dead"
    return (_above("living revived", float(living.sum()), 0.0, says),)


def _uses(seen: Evidence, limits: Limits) -> tuple[Finding, ...]:
    """Look how many codes are in use, over all steps."""
    total = seen.wins.sum(axis=0)
    share = total[total > 0] / max(1, total.sum())
    perplexity = float(np.exp(-(share * np.log(share)).sum()))
    used = float((total > 0).mean())
    least = min(limits.perplexity, 0.5 * len(total))
    return (
        _below("collapse", perplexity, least, "perplexity: nearly all in one code"),
        _below("low usage", used, limits.usage, "share of codes that were ever taken"),
    )


def _revived(books: Floats, frames: Floats) -> npt.NDArray[np.bool_]:
    """Tell which codes each step has put right onto one of its frames: (S, C).

    The first step is left out: codes may be started there, on frames too.
    """
    found = np.zeros((len(frames), books.shape[1]), bool)
    for step, rows in enumerate(frames[1:], start=1):
        onto = {row.tobytes() for row in rows.astype(books.dtype)}
        moved = (books[step + 1] != books[step]).any(axis=1)
        found[step] = [
            bool(was) and row.tobytes() in onto
            for was, row in zip(moved, books[step + 1], strict=True)
        ]
    return found


def _lost(
    books: Floats, revived: npt.NDArray[np.bool_], thrown_at: int | None
) -> float:
    """Share of revived codes that the next step takes back where they came from.

    Even a part of the way is too much: from far off it leads out of the data.
    """
    steps, codes = np.nonzero(revived[:-1])
    judged = steps + 2 != thrown_at
    steps, codes = steps[judged], codes[judged]
    onto = books[steps + 1, codes]
    home, moved = books[steps, codes] - onto, books[steps + 2, codes] - onto
    back = np.einsum("rz,rz->r", home, moved) / np.einsum("rz,rz->r", home, home)
    return float((back > BACK).mean()) if len(back) else 0.0


def _over(value: float, unit: float) -> float:
    """Give value / unit, where nothing over nothing is nothing."""
    return 0.0 if value == 0.0 else float(np.divide(value, unit))


def _above(name: str, value: float, limit: float, says: str) -> Finding:
    """Ill when above; what is no number is ill too."""
    return Finding(name, value, limit, not value <= limit, says)


def _below(name: str, value: float, limit: float, says: str) -> Finding:
    """Ill when below or at the limit; what is no number is ill too."""
    return Finding(name, value, limit, not value > limit, says)
