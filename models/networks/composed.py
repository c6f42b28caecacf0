"""Softmax and norms written out in small steps, found by following their values.

Looked for: an exponential over a sum of exponentials; x minus a log-sum-exp; and
anything over the root of a mean or a variance that was itself computed. Batch norm at
rest passes: its variance is a constant. What people and exporters write is found, not
every disguise that can be thought of.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

from models.networks.barred import Finding
from models.networks.call import Call

# Steps that leave the numbers as they are.
PASSES = frozenset({
    "alias", "broadcastto", "cast", "clone", "constantofshape", "contiguous", "detach",
    "dropout", "expand", "expandas", "float", "double", "getitem", "identity", "lift",
    "permute", "reshape", "squeeze", "to", "tocopy", "transpose", "unsafeview",
    "unsqueeze", "view", "viewas",
})  # fmt: skip
# Steps that keep a divisor away from zero.
NUDGES = PASSES | {"add", "clamp", "clampmin", "clip", "max", "maximum"}

PRODUCTS = frozenset({"mul", "multiply"})
DIVISIONS = frozenset({"div", "truediv", "truedivide", "divide"})
SUMS = frozenset({"sum", "reducesum", "sumtosize"})
# What is a sum but for a factor, where no term is below zero.
TOTALS = SUMS | {"mean", "reducemean", "linalgvectornorm", "reducel1", "norm"}
LOGSUMS = frozenset({"logsumexp", "reducelogsumexp", "speciallogsumexp"})
SPREADS = frozenset({"var", "std", "varmean", "stdmean"})
MEANS = SPREADS | SUMS | {"mean", "reducemean", "reducesumsquare", "avgpool2d"}


class Flow:
    """The calls of one graph or run in order, and who made which value."""

    def __init__(self, calls: Sequence[Call]) -> None:
        self._calls = calls
        self._maker: dict[Hashable, Call] = {}

    def findings(self) -> Iterator[Finding]:
        """Go through the calls in order and name what they compose."""
        for call in self._calls:
            if self._is_softmax(call):
                yield Finding("softmax", call.where, f"{call.what}, in steps")
            elif self._is_norm(call):
                yield Finding("layer norm", call.where, f"{call.what}, in steps")
            # Only now: a call in place takes and gives the same value.
            self._maker.update(dict.fromkeys(call.gives, call))

    def _back(self, value: Hashable, through: frozenset[str] = PASSES) -> Call | None:
        """Give the call that made a value, looking through steps that do not matter."""
        call = self._maker.get(value)
        seen: set[int] = set()
        while call is not None and call.op in through and id(call) not in seen:
            seen.add(id(call))
            call = self._first_made(call)
        return call

    def _first_made(self, call: Call) -> Call | None:
        """Give the maker of the first input that is no constant."""
        made = (value for value in call.takes if not self._is_constant(value))
        return next((self._maker[value] for value in made), None)

    def _is_constant(self, value: Hashable) -> bool:
        """Tell whether no call made a value, or one that takes nothing."""
        maker = self._maker.get(value)
        return maker is None or maker.op == "constant"

    def _quotient(self, call: Call) -> Iterator[tuple[Hashable, Hashable]]:
        """Give (numerator, divisor) of a division, and of a product with an inverse."""
        if len(call.takes) < 2:
            return
        if call.op in DIVISIONS:
            yield call.takes[0], call.takes[1]
        if call.op in PRODUCTS:
            for one, other in (call.takes[:2], call.takes[1::-1]):
                inverse = self._back(other, PASSES | PRODUCTS)
                if inverse is None:
                    continue
                if inverse.op in {"reciprocal", "pow"}:
                    yield one, inverse.takes[0]
                if inverse.op in DIVISIONS and self._is_constant(inverse.takes[0]):
                    yield one, inverse.takes[1]

    def _is_softmax(self, call: Call) -> bool:
        """Tell whether this call is the last step of a softmax or its logarithm."""
        if call.op in {"sub", "subtract"} and len(call.takes) > 1:
            return self._is_log_sum_exp(self._back(call.takes[1]))
        return any(
            self._is_exp(numerator) and self._is_total_of_exp(divisor)
            for numerator, divisor in self._quotient(call)
        )

    def _is_log_sum_exp(self, call: Call | None) -> bool:
        """Tell whether a value is log(sum(exp(.)))."""
        if call is None or call.op in LOGSUMS:
            return call is not None
        if call.op == "add":  # the maximum, taken off before, is put back
            made = [self._back(value) for value in call.takes]
            return any(c is not None and self._is_log_of_sum(c) for c in made)
        return self._is_log_of_sum(call)

    def _is_log_of_sum(self, call: Call) -> bool:
        """Tell whether a call is the logarithm of a sum of exponentials."""
        return call.op == "log" and self._is_total_of_exp(call.takes[0])

    def _is_total_of_exp(self, value: Hashable) -> bool:
        """Tell whether a value is a sum of exponentials, or their mean or norm."""
        total = self._back(value, NUDGES)
        if total is None or total.op not in TOTALS:
            return False
        return self._is_exp(total.takes[0])

    def _is_exp(self, value: Hashable) -> bool:
        """Tell whether a value is an exponential."""
        made = self._back(value)
        return made is not None and made.op in {"exp", "exp2"}

    def _is_norm(self, call: Call) -> bool:
        """Tell whether something is divided by the spread of what passes through."""
        divisors = [self._back(d, NUDGES) for _, d in self._quotient(call)]
        if any(self._is_spread(d, {"sqrt", "pow"}) for d in divisors):
            return True
        is_product = call.op in PRODUCTS
        inverses = [self._back(value) for value in call.takes] if is_product else []
        roots = {"rsqrt", "pow"}
        return any(i and i.op in roots and self._is_spread(i, roots) for i in inverses)

    def _is_spread(self, call: Call | None, roots: set[str]) -> bool:
        """Tell whether a call is a standard deviation, or the root of a mean."""
        if call is None or call.op in SPREADS:
            return call is not None
        if call.op not in roots:
            return False
        inner = self._back(call.takes[0], NUDGES | PRODUCTS | DIVISIONS)
        return inner is not None and inner.op in MEANS
