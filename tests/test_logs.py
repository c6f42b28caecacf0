"""From what a stage really printed to what people read."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.logs import (
    BLOT,
    MOST_BYTES,
    LogFollower,
    Tick,
    blot,
    last_state,
    parse_tick,
    secret_values,
)

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
    "nearly a tick": (b"::progress soon\n", b"::progress soon\n"),
}


@pytest.mark.parametrize(("printed", "shown"), ROWS.values(), ids=ROWS)
def test_what_people_read(printing: Printing, printed: bytes, shown: bytes) -> None:
    """Each row: what a stage printed, and what is published of it."""
    assert printing.shown(printed) == shown


@given(
    st.lists(
        st.sampled_from([SECRET, b"\n", b"\r", b"\0", b"text ", b"::progress 1/2\n"])
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
    """It says where the rest is, once, and the raw one has it all."""
    (tmp_path / "stage.log").write_bytes(b"x" * (MOST_BYTES - 101) + b"\n")
    printing = Printing(tmp_path)

    shown = printing.shown(b"a" * 50 + b"\n", b"b" * 80 + b"\n", b"c\n" * 9)

    end = b"... the log goes on in raw/ on the box\n"
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
    b"::progress 1.2.3/4": None,
    b"::progress 3": None,
    b"we progress 3/20": None,
    b"": None,
}


@pytest.mark.parametrize(("line", "tick"), TICKS.items())
def test_what_a_tick_says(line: bytes, tick: Tick | None) -> None:
    """Each row: a line, and how far the stage is by it."""
    assert parse_tick(line) == tick


@given(st.binary(max_size=40) | st.from_regex(rb"::progress [\d. /]+( \w+=[\w.+-]+)*"))
def test_any_line_is_a_tick_or_none(line: bytes) -> None:
    """Foreign scripts print anything at all."""
    assert parse_tick(line) is None or b"::progress" in line


@given(st.binary())
def test_a_bar_shows_its_last_state(line: bytes) -> None:
    """One of those that were drawn, and never a return."""
    state = last_state(line)

    assert b"\r" not in state
    assert state in line


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
