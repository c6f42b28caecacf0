"""Read pipeline.yaml and say what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import DONE

if TYPE_CHECKING:
    from argparse import Namespace

    from pipeline.layout import LaptopPaths


def do(args: Namespace, paths: LaptopPaths) -> int:  # noqa: ARG001 - a verb
    """Read pipeline.yaml; every mistake is an error by then."""
    from pipeline import spec

    pipeline = spec.load(paths.pipeline_file)
    count = len(pipeline.stages)
    what = "1 stage" if count == 1 else f"{count} stages"
    print(f"{paths.pipeline_file.name}: {what}, no mistake found")
    return DONE
