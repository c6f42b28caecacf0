"""Print the JSON Schema of pipeline.yaml, for editors.

With it an editor completes keys, tells what they mean, and marks unknown ones. --write
puts it at .pipeline/schema.json beside pipeline.yaml, where this first line names it:

  # yaml-language-server: $schema=.pipeline/schema.json

`pipeline init` writes that line, and check and run keep the file fresh wherever it
stands. It wins over any schema an editor knows by the name of the file: other tools
have a pipeline.yaml too.

Examples:
  pipeline schema --write           once, after a clone
  pipeline schema > schema.json     for another tool
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import DONE

if TYPE_CHECKING:
    from argparse import Namespace

    from pipeline.layout import LaptopPaths


def do(args: Namespace, paths: LaptopPaths) -> int:
    """Print the schema, or put it beside pipeline.yaml."""
    from pipeline.reading import grammar

    if not args.write:
        print(grammar.text(), end="")
        return DONE
    beside = _beside_the_file(paths)
    grammar.write(beside)
    print(f"wrote {_from_here(beside.memory / grammar.FILE)}")
    return DONE


def _beside_the_file(paths: LaptopPaths) -> LaptopPaths:
    """Find pipeline.yaml here or above; before there is one, it will be here."""
    from pipeline.layout import LaptopPaths

    folders = (paths.root, *paths.root.parents)
    found = (f for f in folders if LaptopPaths(f).pipeline_file.is_file())
    return LaptopPaths(next(found, paths.root))


def _from_here(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
