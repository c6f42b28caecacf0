"""Outcomes as JUnit XML, for what reads that. No time and no host is in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from pipeline.tdd import outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.tdd.outcome import Outcome

_TAGS = {outcome.FAILED: "failure", outcome.ERROR: "error"}
_MOST = 2000  # characters of what a test said
# All that XML 1.0 cannot hold, not even escaped.
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml(name: str, outcomes: Iterable[tuple[str, Outcome]]) -> str:
    """Write a suite of tests, each by its node id with what became of it."""
    rows = list(outcomes)
    counts = {
        "tests": len(rows),
        "failures": sum(one.kind == outcome.FAILED for _, one in rows),
        "errors": sum(one.kind == outcome.ERROR for _, one in rows),
        "skipped": sum(one.is_left_out for _, one in rows),
    }
    said = " ".join(f'{key}="{number}"' for key, number in counts.items())
    cases = "".join(line for test, one in rows for line in _case(test, one))
    suite = f"<testsuite name={_attribute(name)} {said}>\n{cases}</testsuite>\n"
    head = '<?xml version="1.0" encoding="utf-8"?>\n'
    return f"{head}<testsuites>\n{suite}</testsuites>\n"


def _case(test: str, one: Outcome) -> Iterator[str]:
    file, _, name = test.partition("::")
    place = file.removesuffix(".py").replace("/", ".")
    *classes, name = name.split("::", name.partition("[")[0].count("::"))
    classname = ".".join([place, *classes])
    head = f"<testcase classname={_attribute(classname)}"
    head += f" name={_attribute(name or file)}"
    if not (one.is_wrong or one.is_left_out):
        yield f"{head}/>\n"
        return
    tag = _TAGS.get(one.kind, "skipped")
    reason = f"message={_attribute(one.reason)}"
    text = escape(_clean(one.text[-_MOST:])) if one.is_wrong else ""
    yield f"{head}><{tag} {reason}>{text}</{tag}></testcase>\n"


def _attribute(text: str) -> str:
    return quoteattr(_clean(text), {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


def _clean(text: str) -> str:
    """Spell out what XML cannot hold."""
    return _NO_XML.sub(lambda found: f"#x{ord(found[0]):02X}", text)
