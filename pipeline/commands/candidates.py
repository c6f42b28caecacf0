"""Print what may come next on a command line; the completion of a shell asks this.

One candidate per line, with a tab before what it means. Files are left to the shell:
for them there is the one line `:files`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.candidates import candidates
from pipeline.errors import DONE

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

    from pipeline.layout import LaptopPaths


def do(args: Namespace, paths: LaptopPaths) -> int:
    """Print the candidates for the last of the words."""
    words, cut = list(args.words), 0
    if args.shell == "bash":
        words, cut = _joined(words)
    for word, text in candidates(words, Path(paths.root)):
        print(f"{word[cut:]}\t{text}" if text else word[cut:])
    return DONE


def _joined(words: Sequence[str]) -> tuple[list[str], int]:
    """Join `--host`, `=`, `ec`, which are three words to bash; tell what it has."""
    joined: list[str] = []
    cut, is_open = 0, False
    for word in words:
        is_sign = word == "=" and joined and joined[-1].startswith("--")
        if is_sign or is_open:
            cut = len(joined[-1]) if is_open else len(joined[-1]) + 1
            joined[-1] += word
        else:
            joined.append(word)
            cut = 0
        is_open = bool(is_sign)
    return joined, cut
