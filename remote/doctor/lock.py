"""Find which torch a lock file has, and for which CUDA it is built."""

from __future__ import annotations

import re

from pipeline.frozen import dataclass

_TORCH = re.compile(
    r"^\s*torch\s*(?:==\s*(?P<version>[\w.+!-]+)|@\s*(?P<url>\S+))",
    re.MULTILINE | re.IGNORECASE,
)
_LOCAL = re.compile(r"(?:\+|%2B|/whl/)(cpu|cu\d+)", re.IGNORECASE)
_INDEX = re.compile(r"download\.pytorch\.org/whl/(?:\w+/)?(cpu|cu\d+)", re.IGNORECASE)
# What a torch of the common index brings: nvidia-cuda-runtime-cu12==12.4.127.
_RUNTIME = re.compile(
    r"^\s*nvidia-cuda-runtime(?:-cu\d+)?\s*==\s*(\d+\.\d+)",
    re.MULTILINE | re.IGNORECASE,
)
_ANY_NVIDIA = re.compile(
    r"^\s*nvidia-[\w-]+-cu(\d+)\s*==", re.MULTILINE | re.IGNORECASE
)
_LAST_DIGIT = 1


@dataclass(frozen=True, slots=True)
class Torch:
    """A version as the lock file has it; and CUDA's, `cpu`, or nothing if not told."""

    version: str
    cuda: str


def torch_in(text: str) -> Torch | None:
    """Read the text of a lock file; of several torches the first one counts."""
    found = _TORCH.search(text)
    if not found:
        return None
    said = found["version"] or found["url"]
    version = found["version"] or _of_wheel(found["url"])
    built = _LOCAL.search(said) or _INDEX.search(text)
    if built:
        return Torch(version, _cuda(built[1].lower()))
    if runtime := _RUNTIME.search(text) or _ANY_NVIDIA.search(text):
        return Torch(version, runtime[1])
    return Torch(version, "")


def _of_wheel(url: str) -> str:
    """Give the version of a wheel: torch-2.5.1%2Bcu124-cp311-..."""
    words = url.rpartition("/")[2].split("-")
    return words[1].replace("%2B", "+") if len(words) > 1 else url


def _cuda(tag: str) -> str:
    """Write cu124 as 12.4."""
    digits = tag.removeprefix("cu")
    if digits == tag:
        return tag
    return f"{digits[:-_LAST_DIGIT]}.{digits[-_LAST_DIGIT:]}"
