"""Whatever is written or typed, a SpecError is the worst that comes of it."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipeline import codec
from pipeline.errors import SpecError
from pipeline.reading import marked, spec
from pipeline.schema import Pipeline
from tests.test_spec import EXAMPLE


def refused_or_parsed(text: bytes | str, *overrides: str) -> None:
    """Parse: only a SpecError of whole lines may come of it, or a plan that travels."""
    try:
        parsed = spec.parse(text, overrides=overrides)
    except SpecError as error:
        said = str(error)
    else:
        assert codec.loads(Pipeline, codec.dumps(parsed), what="plan") == parsed
        return
    assert said.startswith(("pipeline.yaml:", "--set "))


@given(st.one_of(st.text(), st.binary()))
def test_no_text_does_harm(text: str | bytes) -> None:
    """Whatever a file holds, the answer is a sentence."""
    refused_or_parsed(text)


@given(st.text(alphabet="ab:- \n{}[]*&!<,'\"#|>%?\t\\u0", max_size=40), st.data())
def test_no_damage_to_a_file_does_harm(junk: str, data: st.DataObject) -> None:
    """Whatever is put in the place of a part of the example."""
    start = data.draw(st.integers(0, len(EXAMPLE)))
    end = data.draw(st.integers(start, min(start + 40, len(EXAMPLE))))

    refused_or_parsed(EXAMPLE[:start] + junk + EXAMPLE[end:])


@given(st.text(alphabet="ab.seed=train{}[]*&!:# '\"\n0", max_size=30))
def test_no_override_does_harm(override: str) -> None:
    """Whatever is typed behind `--set`."""
    refused_or_parsed(EXAMPLE, override)


@given(st.text(alphabet="ab:- \n{}[]*&!<,'\"#|>%?\t\\uU0F", max_size=40))
def test_the_slow_parser_does_no_harm_either(text: str) -> None:
    """It has errors of its own, which are not those of YAML."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(marked, "_LOADER", yaml.SafeLoader)
        refused_or_parsed(text)
        refused_or_parsed(f'a: "{text}"')
