"""The box names what is new, and the laptop asks for that and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.frames import Frame
from pipeline.offers import MOST_OFFERED, decode_offers, encode_offers, published
from remote.bringing.sync import Sync
from remote.bringing.wanted import Wanted
from remote.links.here import Here
from remote.watching.offers import Offers, missing
from tests.byhand import ByHand

RULES = Wanted(folder="results", include=("*.json",), max_file=100)


@pytest.fixture
def box(tmp_path: Path) -> ByHand:
    """A box with two files, one of them wanted."""
    box = ByHand(tmp_path)
    (box.there.root / "train").mkdir()
    (box.there.root / "train" / "a.json").write_text("{}")
    (box.there.root / "train" / "b.bin").write_text("no")
    return box


class Deaf(Here):
    """A box that can be asked for nothing: who asks it fails."""

    def rsync_source(self, folder: str) -> str:
        """Give what no rsync finds."""
        return f"{folder}/nowhere"


def stamp(box: ByHand) -> Frame:
    """Say all there is."""
    return Frame(kind="stamp", body=encode_offers({}, published(box.there.root)))


def test_what_is_here_already_is_not_asked_for(box: ByHand) -> None:
    """A pass with nothing new starts no program, after a new connection too."""
    sync, told = Sync(box.far, box.record), Offers()
    told.take(stamp(box))
    told.bring(sync, RULES, box.here.root)
    assert (box.here.root / "train" / "a.json").read_text() == "{}"
    assert not (box.here.root / "train" / "b.bin").exists()

    box.far.link = Deaf(name="box", home=box.run.parents[3])
    told.take(stamp(box))
    told.bring(Sync(box.far, box.record), RULES, box.here.root)
    told.take(Frame(kind="beat"))
    told.bring(Sync(box.far, box.record), RULES, box.here.root)


def test_what_was_removed_here_comes_again(box: ByHand) -> None:
    """With the next connection, which offers all there is."""
    sync, told = Sync(box.far, box.record), Offers()
    told.take(stamp(box))
    told.bring(sync, RULES, box.here.root)
    (box.here.root / "train" / "a.json").unlink()

    told.take(stamp(box))
    told.bring(sync, RULES, box.here.root)

    assert (box.here.root / "train" / "a.json").exists()


@pytest.mark.parametrize("body", [None, b"", b"garbage"], ids=["none", "many", "odd"])
def test_a_box_that_does_not_say_is_asked_for_all(
    box: ByHand, body: bytes | None
) -> None:
    """Before the first stamp, and where too much is new to be named."""
    told = Offers()
    if body is not None:
        told.take(Frame(kind="stamp", body=body))

    told.bring(Sync(box.far, box.record), RULES, box.here.root)

    assert (box.here.root / "train" / "a.json").exists()


def test_offers_survive_the_wire() -> None:
    """Names of any bytes, what changed, and what went."""
    odd = os.fsdecode(b"a/\xff\n.json")
    before = {"gone": (1, 10**9), "same": (1, 10**9)}
    now = {"same": (1, 10**9), odd: (3, 7 * 10**9 + 5)}

    assert decode_offers(encode_offers(before, now)) == {odd: (3, 7), "gone": None}


def test_too_many_are_not_named() -> None:
    """The laptop looks at the whole folder instead."""
    many = {str(at): (1, 1) for at in range(MOST_OFFERED + 1)}

    assert encode_offers({}, many) == b""


def test_the_rules_say_what_is_asked_for(box: ByHand) -> None:
    """Its name, its size, and nothing that the stream itself carries."""
    due = {
        "train/a.json": (2, 1),
        "train/large.json": (101, 1),
        "train/b.bin": (2, 1),
        "train/.hidden.json": (2, 1),
    }

    assert missing(due, RULES, box.here.root) == ("train/a.json",)
