"""The self-test as numbers whose names say what they are, and as text with limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from models.quantisers.health import Finding
from stages.selftest.found import ROUNDING, Found


class Word(NamedTuple):
    """How a finding is told: its metric, where its limit stands, and what it is."""

    metric: str
    sound: str
    what: str


# Findings are named by what they would mean, were they ill; their values are these.
WORDS = {
    "non-finite": Word("not_finite_count", "<=", "numbers that are nan or infinite"),
    "two masters": Word(
        "two_masters_count", "<=", "parameters that gradients move as well as averages"
    ),
    "dead straight-through": Word(
        "gradient_through_codes",
        ">",
        "share of a gradient that comes through the codes",
    ),
    "dead gradient": Word(
        "gradient_of_commitment", ">", "commitment's gradient over that of the distance"
    ),
    "dead loss": Word(
        "gradient_of_loss", ">", "trained loss's gradient over that of the distance"
    ),
    "swapped losses": Word(
        "gradient_of_codebook_loss",
        "<=",
        "codebook's loss's gradient over that of the distance",
    ),
    "exploding loss": Word("loss_largest_over_first", "<=", "largest over first loss"),
    "unexplained": Word("unexplained_share", "<=", "share of variance that is left"),
    "stuck loss": Word(
        "loss_last_over_first", "<=", "last over first loss, where much is unexplained"
    ),
    "out of range": Word(
        "reach_of_codes_over_data", "<=", "farthest code over the farthest frame"
    ),
    "lost": Word(
        "revived_lost_share", "<=", "share of revived codes that were put back"
    ),
    "apart": Word(
        "apart_over_reach", "<=", "codes from sums over counts, over the data's reach"
    ),
    "living revived": Word(
        "living_revived_count", "<=", "codes that were moved though they were not dead"
    ),
    "collapse": Word("perplexity_learning", ">", "perplexity of all steps together"),
    "low usage": Word("usage_learning", ">", "share of codes that were ever taken"),
}
WIDTH = 54


def metrics(found: Found) -> dict[str, float]:
    """Name every number that a gate may ask for; contract .. healthy are 0 or 1."""
    contract = found.contract
    return {
        **{WORDS[each.name].metric: each.value for each in found.health.findings},
        "contract": int(contract.is_kept),
        "determined": int(contract.determined),
        "healthy": int(found.is_healthy),
        "fsq_differing_count": found.fsq_differing,
        "loss": contract.loss,
        "outside_count": float(found.recount.outside[-1]),
        "perplexity": contract.perplexity,
        "survival": found.recount.survival,
        "update_error_over_reach": found.recount.error,
        "usage": contract.usage,
    }


def told(found: Found) -> str:
    """Say it for people; the first line is the handoff's."""
    contract = found.contract
    word = "OK" if contract.is_kept else "FAILED"
    spoken = f"loss: {contract.loss:.6f} usage: {contract.usage:.4f}"
    lines = [
        f"{word} shape: {contract.shape} {spoken}",
        f"perplexity: {contract.perplexity:.1f}",
        f"codes in range: {contract.in_range}",
        f"same bits twice: {contract.determined}",
        "",
        f"while it learned: {'healthy' if found.is_healthy else 'ILL'}",
        f"      {'':<{WIDTH}}  {'found':>9}  must be",
        *_rows(found),
    ]
    return "\n".join(lines) + "\n"


def _rows(found: Found) -> Iterator[str]:
    """Give each number beside its limit."""
    again = found.recount
    came_back, error = again.survival, again.error
    yield _row(
        "share of codes thrown away that came back", came_back, "= 1", came_back != 1
    )
    name = "one step from the textbook's, over the data's reach"
    yield _row(name, error, f"<= {ROUNDING:g}", not error <= ROUNDING)
    differing = found.fsq_differing
    yield _row("codes of FSQ that differ", differing, "= 0", differing != 0)
    for finding in found.health.findings:
        word = WORDS[finding.name]
        limit = f"{word.sound} {finding.limit:.4g}"
        yield _row(word.what, finding.value, limit, finding.is_ill)
        if finding.is_ill:
            yield f"        {finding.name}: {finding.says}"


def _row(what: str, value: float, wanted: str, is_ill: bool) -> str:  # noqa: FBT001
    """Lay out one number."""
    mark = "ILL" if is_ill else "ok"
    return f"  {mark:<4}{what:<{WIDTH}}  {value:>9.4g}  {wanted}"


def findings(found: Found) -> list[dict[str, object]]:
    """Give each finding as plain values, with what its value is."""
    return [_told(each) for each in found.health.findings]


def _told(finding: Finding) -> dict[str, object]:
    """Give a finding with its metric, and what that is."""
    word = WORDS[finding.name]
    named = {"metric": word.metric, "what": word.what, "sound": word.sound}
    return {**finding._asdict(), **named}
