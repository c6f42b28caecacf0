"""One operator at work, in whichever form it was found, and what rules say of it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import NamedTuple

from models.networks.barred import Finding, kind_of_convolution, kind_of_operator


class Call(NamedTuple):
    """An operator, what it takes, what it gives, and the few details rules ask for.

    op: its plain name. what: the name its own form uses. takes, gives: the values, by
    whatever names them within one graph or one run; None for what is not a value.
    weight_rank: of a convolution, None when it is not known. is_training: a batch norm
    that uses the statistics of its batch. is_opaque: nobody can say what it does.
    """

    op: str
    where: str
    what: str
    takes: tuple[Hashable, ...] = ()
    gives: tuple[Hashable, ...] = ()
    weight_rank: int | None = None
    groups: int = 1
    is_training: bool = False
    is_opaque: bool = False

    @property
    def is_convolution(self) -> bool:
        """Whether it convolves, be it called conv2d, Conv or mkldnn_convolution."""
        return "conv" in self.op and "convert" not in self.op


def judge(calls: Iterable[Call]) -> Iterator[Finding]:
    """Give what the rules bar of each call alone."""
    for call in calls:
        kind = _kind(call)
        if kind is not None:
            yield Finding(kind, call.where, call.what)


def _kind(call: Call) -> str | None:
    """Give the kind that bars this call, if one does."""
    if call.is_convolution:
        return kind_of_convolution(call.weight_rank, call.groups)
    if call.is_training:
        return "batch statistics"
    named = kind_of_operator(call.op)
    if named is None and call.is_opaque:
        return "opaque operator"
    return named
