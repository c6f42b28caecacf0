"""Placeholders are found and filled; all other braces of a shell stay what they are."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import template


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("python train.py --seed {seed}", ("seed",)),
        ("{a} {b-c} {a}", ("a", "b-c")),
        ("{train/model.pt} {export/bundle/}", ("train/model.pt", "export/bundle/")),
        ("{1st/my file.txt}", ("1st/my file.txt",)),
        ("{data:dogs}", ("data:dogs",)),
        ("{val.loss}", ("val.loss",)),
        ("{{{seed}}}", ("seed",)),
        ("{{seed}}", ()),
        ("${VAR} ${VAR:-{seed}} ${A:-${B}}", ()),
        ("awk '{print $1}' | awk '{if ($1) {print $2}}'", ()),
        ("ls {a,b} {1..5} {a..e} {} { seed } {src/a,src/b}", ()),
        ("f() { cp a/b c/d; }", ()),
        ("{data:} {a:b} {accuracy:.3f} {9}", ()),
    ],
)
def test_only_whole_names_are_placeholders(text: str, names: tuple[str, ...]) -> None:
    """A brace is a placeholder's only if nothing but a name is inside."""
    assert template.placeholders(text) == names


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("--seed {seed}", "--seed 3"),
        ("{passed}/{total} green", "{passed}/{total} green"),
        ("{{seed}} {{ {seed} }}", "{seed} { 3 }"),
        ("""'{{"a": {{"b": {seed}}}}}'""", """'{"a": {"b": 3}}'"""),
        ("${A:-${B}} ${seed}", "${A:-${B}} ${seed}"),
        ("awk '{if ($1) {print $2}}'", "awk '{if ($1) {print $2}}'"),
    ],
)
def test_filling_leaves_the_rest_as_it_is(text: str, filled: str) -> None:
    """Known names are replaced, doubled pairs are halved, and that is all."""
    assert template.fill(text, {"seed": "3"}) == filled


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("echo '{a}' \"x {b}\" {c}", {"a", "b"}),
        ("# don't\necho {a}", set()),
        ("echo it\\'s {a}", set()),
        ('x "$(run {a})"', set()),
        ("cat <<'END'\n'{a}'\nEND", set()),
        ("echo '{{a}}' 'open {b}", set()),
    ],
)
def test_a_placeholder_in_quotes_is_seen(text: str, names: set[str]) -> None:
    """Only what is surely quoted counts, not what takes a shell to tell."""
    assert template.quoted(text) == names


def test_a_reference_keeps_any_value_away_from_the_shell() -> None:
    """What comes out at the other end of a shell is the value itself."""
    value = 'a b\'; $(echo no) "*" `id`'
    script = template.fill("printf %s {value}", {"value": '"$PIPELINE_VALUE_1"'})

    said = subprocess.run(
        ["sh", "-c", script],
        env={"PIPELINE_VALUE_1": value},
        capture_output=True,
        check=True,
    )

    assert said.stdout.decode() == value


@given(st.text(alphabet="{}$a/b:.'\" \n#\\"))
def test_a_text_without_placeholders_and_doubled_braces_is_its_own_filling(
    text: str,
) -> None:
    """`fill` touches only what `placeholders` names, and `{{`."""
    if not template.placeholders(text) and "{{" not in text:
        assert template.fill(text, {"a": "?", "b": "?"}) == text


@given(st.text(alphabet="{}$a/b:.'\" \n#\\"))
def test_each_placeholder_can_be_filled(text: str) -> None:
    """Every name that is found is a name that is filled."""
    for name in template.placeholders(text):
        assert "<here>" in template.fill(text, {name: "<here>"})
