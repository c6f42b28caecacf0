"""Every link keeps one contract: this machine, the OpenSSH client, and fabric.

The far side is a real sshd. What a link promises is tested over all of them at once.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import TransportError
from remote.links import command, flow
from tests.lab.command import wait_until
from tests.links.asking import (
    BULK,
    ODD,
    PYTHON,
    SOON_S,
    alive,
    failure,
)

if TYPE_CHECKING:
    from remote.links.link import Link


def test_a_call_gives_code_output_and_complaints(link: Link) -> None:
    """What a command answers comes back, and a code of its own is no error."""
    done = link.call(["sh", "-c", "echo out; echo err >&2; exit 7"], timeout_s=SOON_S)

    assert (done.code, done.out, done.err) == (7, b"out\n", b"err\n")


def test_commands_start_in_the_home(link: Link) -> None:
    """A relative path is relative to the home of whoever we are there."""
    link.call(["touch", "a mark"], timeout_s=SOON_S)

    homes = link.call(["sh", "-c", 'cd "$1"; ls', "sh", "."], timeout_s=SOON_S)

    assert b"a mark\n" in homes.out


def test_arguments_arrive_as_they_left(link: Link) -> None:
    """No shell reads a word of them."""
    echo = "import sys, os; print([os.fsencode(a) for a in sys.argv[1:]])"

    done = link.call([PYTHON, "-c", echo, *ODD], timeout_s=SOON_S)

    assert done.out.decode() == f"{[os.fsencode(word) for word in ODD]}\n"


def test_a_program_is_never_the_shells_own(link: Link) -> None:
    """`echo` is /bin/echo everywhere, whose backslashes are backslashes."""
    done = link.call(["echo", "a\\nb"], timeout_s=SOON_S)

    assert done.out == b"a\\nb\n"


def test_five_megabytes_go_and_come_unchanged(link: Link) -> None:
    """Any byte travels, in both directions at once."""
    done = link.call(["cat"], stdin=BULK, timeout_s=30.0)

    assert done.out == BULK


def test_much_is_said_on_both_sides_without_a_deadlock(link: Link) -> None:
    """Output and complaints are taken as they come, whichever is first."""
    say = "import sys; d=b'x'*5_000_000; sys.stderr.buffer.write(d); print(len(d))"

    done = link.call([PYTHON, "-c", say], timeout_s=30.0)

    assert (done.out, len(done.err)) == (b"5000000\n", 5_000_000)


@pytest.mark.parametrize(
    "source",
    [b"abc" * 20_000, io.BytesIO(b"abc" * 20_000), [b"abc"] * 20_000, b"", []],
    ids=["bytes", "file", "chunks", "nothing", "no chunks"],
)
def test_stdin_may_be_bytes_or_a_file_or_chunks(link: Link, source: object) -> None:
    """Whatever it is, the command reads it to its end."""
    if isinstance(source, io.BytesIO):
        source.seek(0)
    wanted = 0 if source in (b"", []) else 60_000

    done = link.call(["wc", "-c"], stdin=source, timeout_s=SOON_S)  # type: ignore[arg-type]  # a table of three kinds

    assert int(done.out) == wanted


def test_a_command_need_not_read_its_stdin(link: Link) -> None:
    """One that ends before it has read everything ends the call."""
    done = link.call(["true"], stdin=BULK, timeout_s=SOON_S)

    assert done.code == 0


def test_a_source_that_fails_is_heard_of(link: Link) -> None:
    """Half a stdin never passes for a whole one."""

    def torn() -> Iterator[bytes]:
        yield b"half"
        raise OSError("the disk broke")

    with pytest.raises(OSError, match="the disk broke"):
        link.call(["cat"], stdin=torn(), timeout_s=SOON_S)


def test_what_is_missing_there_is_127(link: Link) -> None:
    """As a shell would say; and no exception, for some callers have another way."""
    done = link.call(["no-such-program"], timeout_s=SOON_S)

    assert done.code == 127
    assert b"not found" in done.err


def test_a_killed_command_does_not_look_like_a_broken_link(link: Link) -> None:
    """It has a code that names the signal."""
    done = link.call(["sh", "-c", "kill -9 $$"], timeout_s=SOON_S)

    assert done.code == 128 + 9


def test_a_late_answer_is_the_networks_fault(link: Link) -> None:
    """After the time given nothing is known of the far side."""
    error = failure(link, "sleep", "60", timeout_s=0.7)

    assert isinstance(error, TransportError)
    assert str(error) == f"host {link.name!r}: no answer in 0.7 s"


def test_calls_may_run_beside_each_other(link: Link) -> None:
    """Threads share a link, and each gets its own answer."""

    def ask(number: int) -> bytes:
        return link.call(["echo", str(number)], timeout_s=SOON_S).out

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))

    assert answers == [f"{number}\n".encode() for number in range(8)]


def test_a_stream_speaks_while_its_command_runs(link: Link) -> None:
    """What is said comes at once; silence is None, and not the end."""
    stream = link.stream(["cat"], stdin=b"hello")

    said = stream.read(SOON_S), stream.read(0.1)

    stream.close()
    assert said == (b"hello", None)


def test_a_stream_that_ends_says_how(link: Link) -> None:
    """After the last bytes come b"", the code and the complaints."""
    stream = link.stream(["sh", "-c", "echo no >&2; exit 3"])

    ends = stream.read(SOON_S), stream.read(SOON_S)

    assert (ends, stream.code, stream.err) == ((b"", b""), 3, b"no\n")
    stream.close()


def test_a_large_stdin_of_a_stream_stays_open(link: Link) -> None:
    """It is fed while the stream is read, and the command waits for more."""
    stream = link.stream(["cat"], stdin=BULK)
    out = b""

    while len(out) < len(BULK):
        out += stream.read(SOON_S) or b""

    assert (out == BULK, stream.read(0.1)) == (True, None)
    stream.close()


def test_closing_a_stream_ends_its_command(link: Link) -> None:
    """The end of its stdin is how it knows."""
    stream = link.stream(["sh", "-c", "echo $$; exec cat"])
    pid = (stream.read(SOON_S) or b"").strip()
    assert alive(link, pid)

    stream.close()

    wait_until(lambda: not alive(link, pid), timeout_s=SOON_S, what="the end of cat")


def test_closing_does_not_wait_for_the_deaf(link: Link) -> None:
    """Neither for a command that reads no stdin, nor for one that never stops."""
    for script in ("exec sleep 60", "exec yes"):
        stream = link.stream(["sh", "-c", f"echo go; {script}"])
        stream.read(SOON_S)
        began = time.monotonic()

        stream.close()
        stream.close()

        assert time.monotonic() - began < flow.CLOSE_S + 2 * command.GRACE_S + 1


def test_a_stream_may_be_closed_before_it_is_read(link: Link) -> None:
    """Whoever changes his mind waits for nothing."""
    stream = link.stream(["cat"], stdin=BULK)

    stream.close()
