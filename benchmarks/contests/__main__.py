"""Run some contests, and print each row as a line of JSON."""

from __future__ import annotations

import importlib
import json
import sys

import torch


def main() -> None:
    """Take the number of rounds and the names of the contests."""
    rounds, *names = sys.argv[1:]
    torch.set_num_threads(1)
    for name in names:
        module = importlib.import_module(f"benchmarks.contests.{name}")
        for row in module.contest(int(rounds)):
            print(json.dumps(row), flush=True)


main()
