"""What goes to a box arrives whole, or is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.wire import Answer, find_answer
from remote.far import UPLOAD
from remote.links.here import Here


@pytest.mark.parametrize(("sent", "is_there"), [(b"1234", True), (b"123", False)])
def test_half_a_file_never_gets_its_name(
    tmp_path: Path, sent: bytes, is_there: bool
) -> None:
    """To `cat`, a line that broke looks like the end of the file."""
    argv = ["sh", "-c", UPLOAD, "sh", "runner", "x.pyz", "4"]

    done = Here(home=tmp_path).call(argv, stdin=sent, timeout_s=10)

    found = [path.name for path in (tmp_path / "runner").iterdir()]
    assert found == (["x.pyz"] if is_there else [])
    assert (done.code == 0) is is_there
    if is_there:
        assert (tmp_path / "runner" / "x.pyz").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "said",
    [
        b'motd\n{"error":"no","hint":"h"}\n',
        b'{"error":"no","hint":"h"}\nbye\n\xff\n[]\n',
    ],
)
def test_an_answer_is_found_among_chatter(said: bytes) -> None:
    """The last line that is one."""
    assert find_answer(said) == Answer(error="no", hint="h")
    assert find_answer(b"chatter\n") is None
