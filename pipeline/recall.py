"""What pipeline.yaml came to when it was last read, so that it need not be read again.

It holds as long as the text, what was said on the command line, the files of the
snapshot and this program are the same. It only saves time: lost, it is made again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import codec, files
from pipeline.errors import IntegrityError
from pipeline.frozen import dataclass
from pipeline.schema import Code, Pipeline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.layout import LaptopPaths


@dataclass(frozen=True, slots=True, kw_only=True)
class Recollection:
    """A pipeline as it was read, and the codes of its stages.

    mark: what it was read from. listing: the files that its modules were found in.
    """

    mark: str
    listing: str
    pipeline: Pipeline
    codes: Mapping[str, Code]
    code: Mapping[str, str]


def mark_of(path: Path, said: Sequence[str]) -> str:
    """Name all that a pipeline is read from, but for the modules of its stages."""
    digest = hashlib.sha256(_this_program())
    for text in said:
        digest.update(text.encode("utf-8", "surrogateescape") + b"\0")
    try:
        digest.update(path.read_bytes())
    except OSError:
        return ""  # whoever reads it says what is wrong
    return digest.hexdigest()


def _this_program() -> bytes:
    looks = []
    for place, folders, names in os.walk(Path(__file__).parent):
        folders[:] = sorted(name for name in folders if not name.startswith("_"))
        for name in sorted(names):
            if name.endswith(".py"):
                look = os.stat(f"{place}/{name}")  # noqa: PTH116 - at every start
                looks.append((name, look.st_size, look.st_mtime_ns))
    return repr(looks).encode()


def recall(paths: LaptopPaths, mark: str) -> Recollection | None:
    """Give what is remembered of `mark`; what cannot be read is as good as nothing."""
    try:
        text = paths.recollection.read_bytes()
        found = codec.loads(Recollection, text, what="a recollection")
    except (OSError, IntegrityError):
        return None
    return found if mark and found.mark == mark else None


def remember(paths: LaptopPaths, found: Recollection) -> None:
    """Remember it, in the place of what was remembered before."""
    if found.mark:
        files.replace_text(paths.recollection, codec.dumps(found))
