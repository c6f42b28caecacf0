"""What laptop and box say to each other, in whatever pieces it arrives."""

from __future__ import annotations

import io
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import HostError, IntegrityError
from pipeline.frames import Frame, FrameReader, encode_frame
from pipeline.wire import Carrying, Following, encode_request, read_request
from tests.strategies import FRAMES, values


@given(st.lists(FRAMES, max_size=6), st.data())
def test_frames_arrive_in_any_pieces(frames: list[Frame], data: st.DataObject) -> None:
    """Each is given as soon as it is whole, and nothing of the next is lost."""
    stream = b"".join(map(encode_frame, frames))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    reader = FrameReader()

    found = [
        frame
        for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)
        for frame in reader.feed(stream[begin:end])
    ]

    assert found == frames


@given(st.lists(FRAMES, min_size=1, max_size=4), st.data())
def test_a_cut_stream_gives_only_whole_frames(
    frames: list[Frame], data: st.DataObject
) -> None:
    """What was on its way when the line broke never half arrives."""
    stream = b"".join(map(encode_frame, frames))
    cut = data.draw(st.integers(0, len(stream) - 1))

    found = list(FrameReader().feed(stream[:cut]))

    assert found == frames[: len(found)]
    assert sum(len(encode_frame(frame)) for frame in found) <= cut


@given(st.binary(max_size=200))
def test_foreign_bytes_are_refused_or_waited_for(data: bytes) -> None:
    """They end in no error of ours, and never in a file."""
    try:
        found = list(FrameReader().feed(data))
    except IntegrityError:
        return

    assert all(frame.kind == "still" or b'"k"' in data for frame in found)


@pytest.mark.parametrize(
    "said",
    [
        *(b"Welcome to Ubuntu 24.04\n", b"\n", b"[]\n", b"{\n", b"7\n", b"\xff\n"),
        *(b'{"k":"grow","n":-1}\n', b'{"k":"grow","n":"1"}\n', b'{"n":1e9}\n'),
        *(b'{"k":"grow","n":99999999999}\n', b"[" * 60_000 + b"\n", b"x" * 70_000),
    ],
)
def test_what_is_no_frame_is_refused_with_its_likely_cause(said: bytes) -> None:
    """A login script that prints, above all."""
    with pytest.raises(IntegrityError, match="what is no frame") as caught:
        list(FrameReader().feed(said))

    assert ".bashrc" in caught.value.hint


def test_a_long_body_travels_packed() -> None:
    """Ten thousand ticks of a story take a tenth of the line."""
    told = b'{"at":"2026-11-20T17:10:00.000Z","kind":"stage_ticked","done":1}\n' * 2_000
    frame = Frame(kind="grow", path="events.jsonl", at=7, body=told)

    sent = encode_frame(frame)

    assert len(sent) < len(told) / 10
    assert list(FrameReader().feed(sent)) == [frame]


@pytest.mark.parametrize(
    "body",
    [
        zlib.compress(bytes((1 << 24) + 1)),
        zlib.compress(b"whole")[:-1],
        b"not packed at all",
    ],
    ids=["a bomb", "cut", "plain"],
)
def test_what_is_packed_wrongly_is_refused(body: bytes) -> None:
    """A few bytes that would become gigabytes are no frame."""
    head = {"k": "grow", "path": "events.jsonl", "at": 0, "n": len(body), "z": True}
    sent = json.dumps(head).encode() + b"\n" + body

    with pytest.raises(IntegrityError, match="no frame"):
        list(FrameReader().feed(sent))


def test_a_frame_of_a_newer_box_says_that_the_link_is_up() -> None:
    """Its body is passed over, and what follows is read."""
    newer = b'{"k":"dream","n":5,"of":"sheep"}\nsheep'

    found = list(FrameReader().feed(newer + encode_frame(Frame(kind="end"))))

    assert [frame.kind for frame in found] == ["still", "end"]


@given(values(Following) | values(Carrying), st.binary())
def test_a_request_is_read_and_not_a_byte_further(
    asked: Following | Carrying, rest: bytes
) -> None:
    """What follows it is a pack, which git reads from the same descriptor."""
    stdin = io.BytesIO(encode_request(asked) + rest)

    assert read_request(type(asked), stdin) == asked
    assert stdin.read() == rest


@given(values(Following), st.data())
def test_a_request_that_was_cut_is_refused(
    asked: Following, data: st.DataObject
) -> None:
    """To a command, a line that broke looks like the end of its stdin."""
    whole = encode_request(asked)
    cut = data.draw(st.integers(0, len(whole) - 1))

    with pytest.raises(HostError, match="ended in the middle"):
        read_request(Following, io.BytesIO(whole[:cut]))


@pytest.mark.parametrize(
    "said", [b"GET / HTTP/1.1\n", b"\n", b"-1\n", b"99999999999\n"]
)
def test_what_is_no_request_is_refused(said: bytes) -> None:
    """Before anything of it is kept."""
    with pytest.raises(HostError, match="does not begin with its length"):
        read_request(Following, io.BytesIO(said + b"x" * 100))
