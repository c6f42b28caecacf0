"""The file itself: what is no text, no file, or too much of one."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from pipeline.errors import SpecError
from pipeline.reading import spec
from tests.laptop import Laptop
from tests.refused import BOMB, ONE, said

TEXTS = {
    "empty": (b"", "pipeline.yaml:1:1: is empty"),
    "blank": (b" \n\n", "pipeline.yaml:1:1: is empty"),
    "mark-alone": (b"\xef\xbb\xbf", "pipeline.yaml:1:1: is empty"),
    "utf16-le": (
        "name: x\n".encode("utf-16"),
        "pipeline.yaml:1:1: is UTF-16 text\n  save it as UTF-8",
    ),
    "utf16-be": (
        b"\xfe\xff\x00n",
        "pipeline.yaml:1:1: is UTF-16 text\n  save it as UTF-8",
    ),
    "utf16-bare": (
        "name: x\n".encode("utf-16-le"),
        "pipeline.yaml:1:2: is not plain text: it holds the character U+0000",
    ),
    "latin1": (
        b"name: x\n# caf\xe9\n",
        "pipeline.yaml:2:6: is not UTF-8 text: byte 0xe9",
    ),
    "half-a-character": (
        b"name: x\n# caf\xc3",
        "pipeline.yaml:2:6: is not UTF-8 text: byte 0xc3",
    ),
    "junk": (
        bytes(range(128, 256)) * 64,
        "pipeline.yaml:1:1: is not UTF-8 text: byte 0x80",
    ),
    "program": (
        b"\x7fELF\x02\x01\x01\x00",
        "pipeline.yaml:1:1: is not plain text: it holds the character U+007F",
    ),
    "nul": (
        b"name: x\nsta\x00ges: {}\n",
        "pipeline.yaml:2:4: is not plain text: it holds the character U+0000",
    ),
    "escape": (
        b"name: \x1b[31mred\n",
        "pipeline.yaml:1:7: is not plain text: it holds the character U+001B",
    ),
    "mark-inside": (
        b"name: x\n\xef\xbb\xbfstages: {}\n",
        "pipeline.yaml:2:1: is not plain text: it holds the character U+FEFF",
    ),
    "old-line-ends": (
        b"name: x\rstages: {}\r\x00",
        "pipeline.yaml:3:1: is not plain text: it holds the character U+0000",
    ),
    "10-MB": (
        b"#" * 10_000_000,
        "pipeline.yaml:1:1: holds 10000000 bytes; more than 2000000 are not read",
    ),
}


@pytest.mark.parametrize(("text", "message"), TEXTS.values(), ids=TEXTS)
def test_what_is_no_text_is_refused(text: bytes, message: str) -> None:
    """One line for each, and no line of the file that a terminal would choke on."""
    assert said(text) == message


def test_a_value_that_no_line_can_hold_is_refused() -> None:
    """Whatever is typed."""
    assert (
        said(ONE, "a.n=\x00")
        == "--set 'a.n=\\x00': is not plain text: it holds the character U+0000"
    )


def test_line_ends_of_all_systems_are_counted_alike() -> None:
    """A mark stands where an editor shows it."""
    text = "name: x\nstages: {a: {sh: x}}\nstage: 1\n"

    (plain,) = {said(text.replace("\n", end)) for end in ("\n", "\r\n", "\r")}

    assert plain.startswith("pipeline.yaml:3:1: unknown key 'stage'\n  3 | stage: 1\n")


def make_link(target: str, path: Path) -> None:
    """Link to something that is not a file of text."""
    path.symlink_to(target)


FILES = {
    "folder": (lambda path: path.mkdir(), "is not a file that holds a text"),
    "pipe": (os.mkfifo, "is not a file that holds a text"),
    "device": (lambda p: make_link("/dev/zero", p), "is not a file that holds a text"),
    "dangling": (
        lambda path: make_link("nowhere", path),
        "cannot be read: No such file or directory",
    ),
    "circle": (
        lambda path: make_link("pipeline.yaml", path),
        "cannot be read: Too many levels of symbolic links",
    ),
    "unreadable": (
        lambda path: make_link("/proc/self/mem", path),
        "cannot be read: Input/output error",
    ),
    "10 MB": (
        lambda path: path.write_bytes(b"#" * 10_000_000),
        "holds 10000000 bytes; more than 2000000 are not read",
    ),
}


@pytest.mark.parametrize(("make", "message"), FILES.values(), ids=FILES)
@pytest.mark.timeout(10)
def test_what_is_no_file_is_refused(laptop: Laptop, make: object, message: str) -> None:
    """In one line, and at once: a pipe that nobody writes to must not hold us up."""
    assert callable(make)
    make(laptop.repo / "pipeline.yaml")

    told = laptop.pipeline("check", code=2)

    assert told in {f"pipeline.yaml: {message}\n", f"pipeline.yaml:1:1: {message}\n"}


def test_all_mistakes_are_said_up_to_a_hundred() -> None:
    """Nobody reads more; how many more there are is said."""
    stages = "".join(f"  s{n}: {{shh: x}}\n" for n in range(150))

    lines = said(f"name: x\nstages:\n{stages}").splitlines()

    assert sum(line.startswith("pipeline.yaml:") for line in lines) == 100
    assert lines[-1] == "and 200 more"


def many_stages(many: int) -> str:
    """Write a pipeline of so many stages in a chain, each with all a stage has."""
    stages = []
    for n in range(many):
        needs = f"    after: [s{n - 1}]\n    inputs: [s{n - 1}/o.txt]\n" if n else ""
        stages.append(
            f"  s{n}:\n    sh: work --lr {{lr}}\n{needs}"
            f"    outputs: [o.txt]\n    params: {{lr: 0.1, n: {n}}}\n"
        )
    return "name: x\nstages:\n" + "".join(stages)


def spent_on(text: str) -> float:
    """Parse, and give the time that this process spent, in seconds."""
    began = time.process_time()
    spec.parse(text)
    return time.process_time() - began


def test_five_thousand_stages_are_read_quickly() -> None:
    """Time grows with the file, and no faster."""
    small, large = many_stages(1000), many_stages(5000)

    spent_s = {text: min(spent_on(text), spent_on(text)) for text in (small, large)}

    assert spent_s[large] < 5
    assert spent_s[large] < 12 * spent_s[small]


HARMFUL = {
    "bomb": BOMB,
    "all-wrong": "name: x\nstages:\n"
    + "".join(f" s{n}: {{q: 1}}\n" for n in range(9999)),
    "near-names": many_stages(4000).replace("/o.txt]", "/p.txt]"),
    "one-folder": "name: x\nstages:\n"
    + "".join(f" s{n}: {{sh: x, collect: ['out/*{n}*']}}\n" for n in range(5000)),
    "brackets": "[" * 1_900_000,
    "keys": "".join(f"k{n}: {n}\n" for n in range(150_000)),
    "same-key": "k: 1\n" * 300_000,
    "words": "name: [" + "x," * 900_000 + "]",
    "open-quote": 'name: "' + "x\n" * 900_000,
    "anchors": "".join(f"k{n}: &a{n} {{<<: *a{n - 1}}}\n" for n in range(1, 50_000)),
    "spaces": "name: x\n" + " " * 1_900_000,
}


@pytest.mark.parametrize("text", HARMFUL.values(), ids=HARMFUL)
def test_a_file_made_to_do_harm_does_none(text: str) -> None:
    """The answer comes while somebody waits, and can be read."""
    began = time.process_time()

    with pytest.raises(SpecError) as caught:
        spec.parse(text)

    assert time.process_time() - began < 10
    assert len(str(caught.value)) < 100_000
