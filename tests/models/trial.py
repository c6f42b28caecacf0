"""Run single tests, each in a fork of a process that did the slow imports already.

`python -m tests.models.trial` reads node ids, a line each, and answers each with a line
of JSON: how pytest ended, and what it said. The mathematics itself is imported in the
fork alone, so that whatever stands in its files at that moment is what is tested. No
tensor is made before a fork: torch's threads would not live in the child.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import tempfile
from pathlib import Path

import hypothesis  # noqa: F401
import pytest
import scipy.optimize
import scipy.special
import scipy.stats  # noqa: F401
import sklearn.cluster  # noqa: F401
import torch  # noqa: F401

QUIET = ["-x", "-q", "-p", "no:cacheprovider", "--tb=line"]
# To look for plugins, and to write each assertion anew, takes longer than most tests.
PLUGINS = ("_hypothesis_pytestplugin", "pytest_timeout")
os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
QUIET += ["--assert=plain", *(f"-p{name}" for name in PLUGINS)]
# Whether a mistake is noticed is no matter of chance.
QUIET += ["--hypothesis-seed=0"]
# Not pytest's own folder, where it would clear away what other runs left.
QUIET += ["--basetemp=passing"]
# That the plugins are there before pytest is what this file is for.
QUIET += ["-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"]


def main() -> None:
    """Answer until stdin ends.

    What was imported is frozen: pytest collects garbage ten times before it ends, and
    to walk over all of torch took longer than most tests.
    """
    for name in PLUGINS:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        with tempfile.TemporaryFile() as said:
            if (child := os.fork()) == 0:
                _run(line.strip(), said.fileno())
            _, status = os.waitpid(child, 0)
            said.seek(0)
            text = said.read().decode("utf-8", "replace")
        told = {"code": os.waitstatus_to_exitcode(status), "text": text}
        print(json.dumps(told), flush=True)


def _run(test: str, said: int) -> None:
    """Run one test, and never come back."""
    os.dup2(said, 1)
    os.dup2(said, 2)
    try:
        code = int(pytest.main([*QUIET, test]))
    except BaseException as error:  # noqa: BLE001
        print(repr(error))
        code = 70
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    assert Path("models").is_dir(), "it is started where the mathematics lies"
    main()
