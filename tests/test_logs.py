"""From what a stage really printed to what people read."""

from __future__ import annotations

import math
import tempfile
import tracemalloc
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.bars import MOST_ROWS
from pipeline.logs import (
    MOST_BYTES,
    LogFollower,
    Tick,
    parse_tick,
)
from pipeline.secrets.blot import BLOT, blot, secret_values

SECRET = b"tok-0123456789abcdef"
KEY = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\r\nhkiG9w0BAQEFAASC\n-----END KEY-----"


@dataclass(slots=True)
class Printing:
    """A raw log that is being written, and who follows it."""

    folder: Path
    secrets: tuple[bytes, ...] = (SECRET,)
    ticks: list[Tick] = field(default_factory=list)
    follower: LogFollower = field(init=False)

    def __post_init__(self) -> None:
        """Begin to follow."""
        self.raw.touch()
        self.follower = LogFollower(
            self.raw,
            self.published,
            secrets=self.secrets,
            on_tick=self.ticks.append,
        )

    @property
    def raw(self) -> Path:
        """What the stage prints into."""
        return self.folder / "raw"

    @property
    def published(self) -> Path:
        """What people read."""
        return self.folder / "stage.log"

    def prints(self, *blocks: bytes) -> None:
        """Print these, each read by itself."""
        for block in blocks:
            with self.raw.open("ab") as file:
                file.write(block)
            while self.follower.pump():
                pass

    def shown(self, *blocks: bytes) -> bytes:
        """Print these and end; give what people read then."""
        self.prints(*blocks)
        self.follower.close()
        return self.published.read_bytes()


@pytest.fixture
def printing(tmp_path: Path) -> Printing:
    """A stage that prints."""
    return Printing(tmp_path)


ROWS: dict[str, tuple[bytes, bytes]] = {
    "lines": (b"one\ntwo\n", b"one\ntwo\n"),
    "no newline at the end": (b"one\ntwo", b"one\ntwo\n"),
    "empty lines": (b"one\n\n\ntwo\n", b"one\n\n\ntwo\n"),
    "a progress bar": (b"\r 0%|\r50%|#\r100%|##\ndone\n", b"100%|##\ndone\n"),
    "a bar that ends in its return": (b"10 %\r90 %\r\nnext\n", b"90 %\nnext\n"),
    "a bar without an end": (b"10 %\r90 %", b"90 %\n"),
    "line ends of another world": (b"one\r\ntwo\r\n", b"one\ntwo\n"),
    "a secret": (b"my " + SECRET + b"!\n", b"my ***!\n"),
    "a secret with noughts inside": (b"tok-\x000123456789abcdef\n", b"***\n"),
    "the look of a secret": (b"key AKIAABCDEFGHIJKLMNOP\n", b"key ***\n"),
    "bytes that are no text": (b"a\xff\xfeb\n", "a\ufffd\ufffdb\n".encode()),
    "noughts": (b"a\0b\n", b"ab\n"),
    "a tick": (b"one\n::progress 1/2\ntwo\n", b"one\ntwo\n"),
    "a tick of another world": (b"one\n::progress 1/2\r\ntwo\n", b"one\ntwo\n"),
    "ticks that are drawn": (b"::progress 1/2\r::progress 2/2\rend\n", b"end\n"),
    "a tick behind a bar": (b"\r1%\r2%::progress 1/2\nend\n", b"2%\nend\n"),
    "nearly a tick": (b"::progress soon\n", b"::progress soon\n"),
    "a percentage": (b"::progress 35%\nend\n", b"end\n"),
    "a bar that wipes itself out": (b"\r90 %\r     \rdone\n", b"done\n"),
    "a bar that stays wiped out": (b"\r90 %\r     \r\nnext\n", b"90 %\nnext\n"),
    "a bar that erases": (b"long long\r\x1b[2Kshort\nnext\n", b"short\nnext\n"),
    "an erased bar": (b"gone\r\x1b[2K\nnext\n", b"next\n"),
    "two bars, as tqdm draws them": (
        b"\router 0%\n\rinner 0%\x1b[A\router 99%\n\rinner 99%\x1b[A\n\nend\nnext\n",
        b"outer 99%\ninner 99%\nend\nnext\n",
    ),
    "a table that is drawn anew": (
        b"\x1b[2Ka: 1\n\x1b[2Kb: 1\n\x1b[2A\x1b[2Ka: 2\n\x1b[2Kb: 2\nend\n",
        b"a: 2\nb: 2\nend\n",
    ),
    "a spinner": (b"wait -\b\\\b|\b/\bdone\n", b"wait done\n"),
    "colours": (b"\x1b[1;32mgood\x1b[0m\n", b"good\n"),
    "a title": (b"\x1b]0;mine\x07a\x1b]0;mine\x1b\\b\n", b"ab\n"),
    "questions to a terminal": (b"\x1b[6n\x1b[c\x1bP+q\x1b\\a\x1bc\n", b"a\n"),
    "an order of one sign": (b"a\xc2\x9b31mb\n", "a\ufffd31mb\n".encode()),
    "bells": (b"a\x07b\x0c\n", b"ab\n"),
    "a secret in colours": (b"tok-\x1b[31m0123456789abcdef\n", b"***\n"),
    "a secret with a bell": (b"tok-\x070123456789abcdef\n", b"***\n"),
}


@pytest.mark.parametrize(("printed", "shown"), ROWS.values(), ids=ROWS)
def test_what_people_read(printing: Printing, printed: bytes, shown: bytes) -> None:
    """Each row: what a stage printed, and what is published of it."""
    assert printing.shown(printed) == shown


@given(
    st.lists(
        st.sampled_from([SECRET, b"\n", b"\r", b"\0", b"text ", b"::progress 1/2\n"])
        | st.sampled_from(
            [b"\x1b[A", b"\x1b[2K", b"\x1b[J", b"\x1b[31m", b"\b", b"\r\n"]
        )
        | st.binary(max_size=8),
        max_size=12,
    ),
    st.data(),
)
def test_how_it_was_read_does_not_matter(
    pieces: list[bytes], data: st.DataObject
) -> None:
    """In one read or cut anywhere: the same lines, and never the secret."""
    printed = b"".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(printed)), max_size=4)))
    blocks = [
        printed[a:b] for a, b in zip([0, *cuts], [*cuts, len(printed)], strict=True)
    ]
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        whole, cut = Printing(Path(one)), Printing(Path(other))

        assert cut.shown(*blocks) == whole.shown(printed)
        assert cut.ticks == whole.ticks
        assert SECRET not in cut.published.read_bytes()


def test_only_whole_lines_are_published(printing: Printing) -> None:
    """A secret that was half printed is not known for one yet."""
    printing.prints(b"one\nmy " + SECRET[:9])

    before = printing.published.read_bytes()
    printing.prints(SECRET[9:] + b"\n")

    assert before == b"one\n"
    assert printing.published.read_bytes() == b"one\nmy ***\n"
    printing.follower.close()


@pytest.mark.parametrize("before", [9_990, 9_999, 10_000])
def test_a_secret_is_not_cut_before_it_is_blotted(
    printing: Printing, before: int
) -> None:
    """A line has a longest length; what is left of a secret there is a blot."""
    shown = printing.shown(b"x" * before + SECRET + b"\n")

    assert b"tok" not in shown
    assert len(shown) <= 10_001


def test_a_line_without_an_end_does_not_grow_for_ever(printing: Printing) -> None:
    """A binary on stdout; and the secret where it is cut is whole or gone."""
    block = b"y" * ((1 << 20) - 10) + SECRET
    printing.prints(block, b"z" * (1 << 20), block)

    assert len(printing.follower._rest) <= 1 << 20
    assert b"0123456789" not in printing.shown(b"z" * ((1 << 20) - 15))


def test_the_log_has_an_end_to_its_size(tmp_path: Path) -> None:
    """It says where the rest is, and shows the last of it; the raw one has it all."""
    (tmp_path / "stage.log").write_bytes(b"x" * (MOST_BYTES - 101) + b"\n")
    printing = Printing(tmp_path)

    shown = printing.shown(b"a" * 50 + b"\n", b"b" * 80 + b"\n", b"c\n" * 9)

    said = b"... the log goes on in raw/ on the box\n... and ends with:\n"
    end = said + b"c\n" * 9
    assert shown.endswith(b"\n" + b"a" * 50 + b"\n\n" + end)
    assert printing.raw.stat().st_size == 51 + 81 + 18


def test_a_second_attempt_goes_on_in_the_same_log(tmp_path: Path) -> None:
    """What the first one printed stays: a published log only grows."""
    first = Printing(tmp_path)
    first.shown(b"first\n")
    first.raw.unlink()

    assert Printing(tmp_path).shown(b"second\n") == b"first\nsecond\n"


TICKS: dict[bytes, Tick | None] = {
    b"::progress 3/20": (3.0, 20.0, {}),
    b"  ::progress 3 / 20 loss=0.4 lr=1e-3": (3.0, 20.0, {"loss": 0.4, "lr": 0.001}),
    b"::progress 0.5/1 val.top-1=.9, n=7.": (0.5, 1.0, {"val.top-1": 0.9, "n": 7.0}),
    b"::progress 1/2 loss=-inf": (1.0, 2.0, {"loss": float("-inf")}),
    b"::progress 1/2 loss=0.5 eta=--:-- at=now": (1.0, 2.0, {"loss": 0.5}),
    b"::progress 1/2 kind=info took=12s": (1.0, 2.0, {"took": 12.0}),
    b"::progress 1/2 loss=-": (1.0, 2.0, {}),
    b"::progress 35%": (35.0, 100.0, {}),
    b"::progress 12.5 % loss=1": (12.5, 100.0, {"loss": 1.0}),
    b"::progress 3/20\r": (3.0, 20.0, {}),
    b"::progress 3/0": (3.0, 0.0, {}),
    b"::progress 3/20 loss=nan": (3.0, 20.0, {"loss": math.nan}),
    b"::progress nan/20": None,
    b"::progress 3/-20": None,
    b"::progress -3/20": None,
    b"::progress three/twenty": None,
    b"::progress": None,
    b"::progress %": None,
    b"::progress " + b"9" * 400 + b"/20": None,
    b"::progress 1.2.3/4": None,
    b"::progress 3": None,
    b"we progress 3/20": None,
    b"": None,
}


@pytest.mark.parametrize(("line", "tick"), TICKS.items())
def test_what_a_tick_says(line: bytes, tick: Tick | None) -> None:
    """Each row: a line, and how far the stage is by it."""
    assert repr(parse_tick(line)) == repr(tick)


@given(st.binary(max_size=40) | st.from_regex(rb"::progress [\d. /]+( \w+=[\w.+-]+)*"))
def test_any_line_is_a_tick_or_none(line: bytes) -> None:
    """Foreign scripts print anything at all."""
    assert parse_tick(line) is None or b"::progress" in line


@given(st.binary())
def test_a_published_log_moves_no_terminal(line: bytes) -> None:
    """Whatever a stage prints, `cat stage.log` shows text and nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        text = Printing(Path(folder)).shown(line).decode()

    assert not [
        s for s in text if s not in "\t\n" and (s < " " or "\x7f" <= s < "\xa0")
    ]


def test_what_a_bar_shows_now_is_known_before_its_line_ends(
    printing: Printing,
) -> None:
    """The heartbeat shows it; the published log waits for its last state."""
    printing.prints(b"begin\n\r10 %")
    first = printing.follower.last_line
    printing.prints(b"\r20 %\r", b"30 %")

    assert (first, printing.follower.last_line) == ("10 %", "30 %")
    assert printing.published.read_bytes() == b"begin\n"
    printing.follower.close()


@pytest.mark.parametrize("begun", [SECRET[:9], b"key AKIAABCDEF", SECRET, SECRET[:1]])
def test_what_is_shown_now_holds_no_part_of_a_secret(
    printing: Printing, begun: bytes
) -> None:
    """Half a secret is not known for one, and so the end of a line may be left out."""
    printing.prints(b"\rloss " + begun)

    assert printing.follower.last_line.strip() in {"loss", "loss key", "loss ***"}
    printing.follower.close()


def test_many_bars_do_not_grow_for_ever(printing: Printing) -> None:
    """What is drawn far above cannot be drawn again, and goes out."""
    rows = b"".join(b"\rbar %d\n" % n for n in range(1000))
    printing.prints(rows)

    assert len(printing.follower._bars) <= MOST_ROWS
    assert printing.published.read_bytes().count(b"\n") == 1000 - MOST_ROWS
    printing.follower.close()


def test_a_log_of_a_gigabyte_costs_neither_memory_nor_minutes(tmp_path: Path) -> None:
    """What is not published is not read either; what it says at its end is known."""
    printing = Printing(tmp_path)
    printing.prints(b"a line\n")
    with printing.raw.open("ab") as file:
        file.truncate(1 << 30)  # holes read as noughts
        file.seek(0, 2)
        file.write(b"\n" + b"x" * 99 + b"\n" + b"the end\n")
    tracemalloc.start()

    printing.follower.close()

    assert tracemalloc.get_traced_memory()[1] < 50_000_000
    tracemalloc.stop()
    shown = printing.published.read_bytes()
    assert shown.startswith(b"a line\n")
    assert b"\n... 1064 MB are left out here; raw/ on the box has it\n" in shown
    assert shown.endswith(b"\nthe end\n")


def test_one_who_prints_more_than_is_kept_is_still_seen_live(tmp_path: Path) -> None:
    """When the published log is full, the follower goes to the end of the raw one."""
    (tmp_path / "stage.log").write_bytes(b"x" * MOST_BYTES)
    printing = Printing(tmp_path)
    with printing.raw.open("ab") as file:
        file.write(b"old\n" * (3 << 20) + b"new\n")

    printing.follower.pump()

    assert printing.follower.last_line == "new"
    printing.follower.close()


ENVIRONMENT = {
    "API_TOKEN": "long-enough-1",
    "MY_SECRET_SHORT": "true",
    "aws_secret_access_key": "long-enough-22",
    "PATH": "/usr/bin:/usr/local/bin",
    "DB_PASSWORD": "",
    "DEPLOY_PRIVATE_KEY": KEY,
}


def test_secrets_are_found_by_the_names_of_variables() -> None:
    """The longest first, so that one inside another leaves nothing behind."""
    found = secret_values(ENVIRONMENT)

    assert set(found) == {
        *(b"long-enough-1", b"long-enough-22"),
        *(b"-----BEGIN KEY-----", b"MIIEvQIBADANBgkq", b"hkiG9w0BAQEFAASC"),
        b"-----END KEY-----",
    }
    assert list(map(len, found)) == sorted(map(len, found), reverse=True)


def test_a_key_of_many_lines_is_blotted(tmp_path: Path) -> None:
    """A log is read line by line, and so a key is known by its lines."""
    printing = Printing(tmp_path, secrets=secret_values(ENVIRONMENT))

    assert printing.shown(KEY.encode()) == (BLOT + b"\n") * 4


@given(st.binary(), st.lists(st.binary(min_size=8), max_size=3))
def test_nothing_that_is_secret_is_left(line: bytes, secrets: list[bytes]) -> None:
    """Unless the blot itself spells it."""
    shown = blot(b"".join([line, *secrets]), tuple(sorted(secrets, key=len)[::-1]))

    for secret in secrets:
        assert secret not in shown or b"*" in secret
