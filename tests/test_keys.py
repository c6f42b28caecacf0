"""The keys of pipeline.yaml: parser, page and schema say the same of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

from pipeline import cli
from pipeline.errors import SpecError
from pipeline.reading import grammar, keys, marked, spec
from pipeline.reading.mistakes import Mistakes
from pipeline.reading.table import to_plain
from tests import keytables
from tests.laptop import CHAIN, Laptop
from tests.refused import FOLDER, ONE, rows, said
from tests.test_spec import EXAMPLE

ROOT = Path(__file__).parent.parent
NAMING = "# yaml-language-server: $schema=.pipeline/schema.json\n"

# A file in which each section holds nothing but a key that is like no other.
ODD = {
    "top": ONE + "zzzzzz: 1\n",
    "stages": "name: x\nstages: {a: {sh: x, zzzzzz: 1}}\n",
    "hosts": ONE + "hosts: {b: {ssh: b, zzzzzz: 1}}\n",
    "data": ONE + "data: {d: {path: d, zzzzzz: 1}}\n",
} | {
    name: f"{ONE}{name}: {{zzzzzz: 1}}\n"
    for name in ("env", "git", "ship", "sync", "heartbeat", "notify")
}


def as_an_editor_reads(text: str) -> object:
    """Give the values of a file, as YAML 1.2 has them."""
    mistakes = Mistakes("pipeline.yaml")
    return to_plain(marked.compose(text, mistakes), "", mistakes)


def accepts(text: str) -> bool:
    """Tell whether the schema lets a file pass."""
    checker = jsonschema.Draft7Validator(grammar.schema())
    return bool(checker.is_valid(as_an_editor_reads(text)))


def whole_files() -> list[object]:
    """Find every whole pipeline.yaml that is shown or used."""
    found = {"example": EXAMPLE, "chain": CHAIN, "one": ONE}
    found["ours"] = (ROOT / "pipeline.yaml").read_text()
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        blocks = re.findall(r"(?ms)^```yaml\n(name: .*?)^```", page.read_text())
        found |= {f"{page.stem}-{n}": text for n, text in enumerate(blocks)}
    return [pytest.param(text, id=name) for name, text in found.items()]


def test_the_page_has_the_tables_of_the_code() -> None:
    """Mended by `python -m tests.keytables`."""
    page = keytables.PAGE.read_text()

    assert keytables.with_tables(page) == page
    assert keytables.sections(page) == set(keys.SECTIONS)


@pytest.mark.parametrize("name", keys.SECTIONS)
def test_the_parser_knows_the_keys_that_are_told(name: str) -> None:
    """All of them, and no other."""
    known = re.search(r"known here: (.*)", said(ODD[name]))

    assert known
    told = {key.name for key in keys.SECTIONS[name] if key.is_named}
    hosts = {"local"} if name == "data" else set()
    assert set(known[1].split(", ")) == told | hosts


DEFAULTS = {
    f"{name}.{key.name}": (name, key)
    for name, section in keys.SECTIONS.items()
    for key in section
    if re.fullmatch(r"`?[\w/{}.]+`?", key.default)
    and key.default not in {"required", "empty", "none"}
    and not (name == "hosts" and key.name == "python")
}


@pytest.mark.parametrize(("name", "key"), DEFAULTS.values(), ids=DEFAULTS)
def test_a_default_is_what_it_is_said_to_be(name: str, key: keys.Key) -> None:
    """Writing it down changes nothing."""
    word = f"{key.name}: '{key.default.strip('`')}'".replace("'1'", "1").replace(
        "'0'", "0"
    )
    plain = {
        "top": ("", ""),
        "stages": ("stages: {a: {sh: x}}\n", "stages: {a: {sh: x, %s}}\n"),
        "hosts": ("hosts: {b: {ssh: b}}\n", "hosts: {b: {ssh: b, %s}}\n"),
        "data": ("data: {d: {path: d}}\n", "data: {d: {path: d, %s}}\n"),
    }.get(name, ("", f"{name}: {{%s}}\n"))
    start = "name: x\n" if name == "stages" else ONE
    template = "%s\n" if name == "top" else plain[1]

    assert spec.parse(start + template % word) == spec.parse(start + plain[0])


def test_the_patterns_that_come_home_are_those_that_are_told() -> None:
    """One list, in the code and on the page."""
    (told,) = (key.default for key in keys.SYNC if key.name == "include")

    assert told.strip("`").split() == list(spec.parse(ONE).sync.include)


def test_the_schema_is_one() -> None:
    """By the rules of its own draft."""
    jsonschema.Draft7Validator.check_schema(grammar.schema())


@pytest.mark.parametrize("text", whole_files())
def test_the_schema_lets_every_file_pass_that_is_right(text: str) -> None:
    """Those of the pages and of the tests."""
    spec.parse(text)

    assert accepts(text)


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_the_schema_refuses_an_unknown_key(text: str) -> None:
    """In every section."""
    assert not accepts(text)


@pytest.mark.parametrize("name", ["types", "durations", "keys"])
def test_the_schema_refuses_what_it_can_know(name: str) -> None:
    """Wrong kinds, durations and sizes, as the parser does."""
    beyond = {"twice", "stale", "blank", "never"}
    texts = {
        row.name: row.files["pipeline.yaml"]
        for row in rows(FOLDER / f"{name}.txt")
        if row.name not in beyond
    }

    assert [name for name, text in texts.items() if accepts(text)] == []


def test_an_editor_is_told_what_a_key_means() -> None:
    """In plain words, without the links of the page."""
    stages = grammar.schema()["properties"]["stages"]
    told = stages["additionalProperties"]["properties"]["retries"]["description"]

    assert told.startswith("How many more tries after a failure. Each has")
    assert told.endswith("A failed gate is not tried again (default: 0).")
    assert "](#" not in grammar.text()


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """Anywhere, with or without a pipeline.yaml."""
    assert cli.main(["schema"]) == 0

    assert json.loads(capsys.readouterr().out) == grammar.schema()


def test_the_schema_is_put_where_the_file_names_it(laptop: Laptop) -> None:
    """Also from a folder below; git does not see it."""
    laptop.write("pipeline.yaml", NAMING + ONE)
    laptop.write("sub/x", "")
    home = laptop.repo
    laptop.repo = home / "sub"

    assert laptop.pipeline("schema", "--write").startswith("wrote ")

    assert json.loads((home / ".pipeline/schema.json").read_text()) == grammar.schema()
    assert (home / ".pipeline/.gitignore").read_text() == "*\n"


@pytest.mark.parametrize("first", [NAMING, "# A pipeline.\n" + NAMING])
def test_check_keeps_a_schema_fresh_that_is_asked_for(
    laptop: Laptop, first: str
) -> None:
    """An old one, or none, is replaced, also when the file is wrong."""
    laptop.write("pipeline.yaml", first + ONE + "stage: 1\n")
    laptop.write(".pipeline/schema.json", "{}")

    laptop.pipeline("check", code=2)

    written = (laptop.repo / ".pipeline/schema.json").read_text()
    assert written == grammar.text()


def test_check_writes_nothing_that_is_not_asked_for(laptop: Laptop) -> None:
    """A file without that line has its own ways."""
    laptop.write("pipeline.yaml", ONE)

    laptop.pipeline("check")

    assert not (laptop.repo / ".pipeline").exists()


def test_a_schema_that_cannot_be_written_stops_nobody(laptop: Laptop) -> None:
    """It is a comfort."""
    laptop.write("pipeline.yaml", NAMING + ONE)
    laptop.write(".pipeline", "a file")

    assert "no mistake found" in laptop.pipeline("check")


def test_a_schema_is_passed_over_by_the_parser() -> None:
    """Named as other editors want it."""
    text = "$schema: .pipeline/schema.json\n" + ONE

    assert spec.parse(text) == spec.parse(ONE)
    assert accepts(text)


def test_what_cannot_be_read_is_no_reason_for_a_traceback() -> None:
    """A helper of these tests gives the parser's own errors."""
    with pytest.raises(SpecError):
        as_an_editor_reads("")
