"""What a bundle says in words: its configuration as YAML, tables, and a summary."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.bundles import lint
from pipeline.bundles.manifest import Manifest

Rows = Iterator[Sequence[Any]]

# Words that mean something else to YAML.
_MEANT = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def yaml(told: Mapping[str, Any]) -> str:
    """Write plain mappings, lists and values; texts are quoted as in JSON."""
    return "\n".join(_lines(told, "")) + "\n"


def _lines(told: Mapping[str, Any], indent: str) -> Iterator[str]:
    for name, value in told.items():
        is_plain = name.isidentifier() and name not in _MEANT
        key = name if is_plain else json.dumps(name)
        if isinstance(value, Mapping) and value:
            yield f"{indent}{key}:"
            yield from _lines(value, f"{indent}  ")
        else:
            yield f"{indent}{key}: {json.dumps(value)}"


def summary(manifest: Manifest) -> str:
    """Tell what the bundle is, what ran, and what did not."""
    parity, refused = manifest.parity, manifest.refused
    size = sum(one.size for one in manifest.files.values())
    codes = f"of {parity.codes} codes differ, logits by"
    model = f"{manifest.quantiser}, {manifest.codes} codes"
    lines = [
        f"bundle {manifest.hash}",
        f"  files   {len(manifest.files)}, {size:,} bytes",
        f"  model   {model}, {len(manifest.labels)} behaviours",
        f"  parity  {parity.windows} windows, {parity.undecided} left out as undecided",
        f"  onnx    {parity.codes_differing} {codes} {parity.logits:.1e}",
        f"  host    {parity.host_codes_differing} {codes} {parity.host_logits:.1e}",
    ]
    if refused is not None:
        before = f"at {refused.cut!r}, before {refused.op} {refused.name!r}"
        lines.append(f"  cut     {before}; {refused.count} operators are the host's")
    lines += [
        f"  {target:<7} {claim.said or claim.state}"
        for target, claim in manifest.targets.items()
    ]
    return "\n".join(lines) + "\n"


def parity_rows(manifest: Manifest) -> Rows:
    """Give a line for each way that ran: codes and logits against torch."""
    parity = manifest.parity
    head = ("windows", "codes", "codes differing", "largest difference of a logit")
    yield ("what ran", *head)
    whole = (parity.windows, parity.codes, parity.codes_differing, parity.logits)
    yield ("model.onnx in onnxruntime", *whole)
    cut = (parity.host_codes_differing, parity.host_logits)
    yield ("encoder.onnx, host_decode.py", parity.windows, parity.codes, *cut)


def target_rows(manifest: Manifest) -> Rows:
    """Give a line for each target: whether it ran, and what is to be said of it."""
    yield ("target", "state", "what is to be said")
    for name, claim in manifest.targets.items():
        yield (name, claim.state, claim.said)


def operator_rows(whole: Any, front: Any) -> Rows:
    """Give a line for each kind of operator: how many there are on each side.

    whole, front: graphs, of which the second ends at the cut
    """
    yield ("operator", "in model.onnx", "in encoder.onnx", "taken by the accelerator")
    counts = [Counter(node.op_type for node in graph.node) for graph in (whole, front)]
    for name in sorted(counts[0]):
        taken = "yes" if name in lint.HAILO else "no"
        yield (name, counts[0][name], counts[1][name], taken)
