"""Files as an unlucky hand, a bad merge or a broken disk would leave them."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.laptop import CHAIN
from tests.refused import BOMB, FOLDER, rows
from tests.test_spec import EXAMPLE

TOKENS = [
    *("{", "}", "[", "]", ":", ": ", "- ", ",", "'", '"', "|", ">", "#", "&a ", "*a"),
    *(
        "!!str ",
        "<<: *a",
        "---\n",
        "...\n",
        "%YAML 9.9\n",
        "\t",
        "\r",
        "\x00",
        "\ufeff",
    ),
    *("\x85", "\u2028", "\ud7ff", "\U0001f600", "{seed}", "{a/b}", "{{", "}}", "~"),
    *(".inf", ".nan", "1e999", "9" * 5000, "0x", "-", "?", "@", "`", "\\U0010FFFF"),
    *("name: x\n", "stages:\n", "  a: {sh: x}\n", "gates: [a >= 1]", "data:x", "../"),
    *("null", "true", "  ", "\n\n", "$schema: x\n", "x-a: &a {b: *a}\n", "run: a.b\n"),
]
Change = Callable[[Random, bytearray], None]


def _place(random: Random, text: bytearray) -> int:
    return random.randrange(len(text) + 1)


def _flip(random: Random, text: bytearray) -> None:
    if text:
        text[random.randrange(len(text))] ^= 1 << random.randrange(8)


def _insert(random: Random, text: bytearray) -> None:
    at = _place(random, text)
    text[at:at] = random.choice(TOKENS).encode("utf-8", "surrogatepass")


def _cut(random: Random, text: bytearray) -> None:
    at = _place(random, text)
    del text[at : at + random.randrange(1, 30)]


def _end(random: Random, text: bytearray) -> None:
    del text[_place(random, text) :]


def _lines(random: Random, text: bytearray) -> None:
    """Take a line out, put it in twice, or put it somewhere else."""
    lines = bytes(text).splitlines(keepends=True)
    if lines:
        line = random.choice(lines)
        lines.remove(line)
        for _ in range(random.randrange(3)):
            lines.insert(random.randrange(len(lines) + 1), line)
        text[:] = b"".join(lines)


def _indent(random: Random, text: bytearray) -> None:
    starts = [at + 1 for at, byte in enumerate(text) if byte == ord("\n")] or [0]
    at = random.choice(starts)
    text[at:at] = random.choice([b" ", b"  ", b"\t"])


def _copy(random: Random, text: bytearray) -> None:
    at = _place(random, text)
    text[_place(random, text) : 0] = text[at : at + random.randrange(1, 200)]


CHANGES: list[Change] = [_flip, _insert, _insert, _cut, _end, _lines, _indent, _copy]


def originals() -> list[bytes]:
    """Give the files that mutants are made of: right ones, and wrong ones."""
    wrong = [
        row.files["pipeline.yaml"]
        for path in sorted(FOLDER.glob("*.txt"))
        for row in rows(path)
    ]
    return [text.encode() for text in [EXAMPLE, CHAIN] * 100 + [BOMB, *wrong]]


def mutant(seed: int, texts: list[bytes]) -> bytes:
    """Make one: the same for the same seed."""
    random = Random(seed)
    text = bytearray(random.choice(texts))
    for _ in range(random.choice([1, 1, 1, 2, 3, 8])):
        random.choice(CHANGES)(random, text)
    return bytes(text)
