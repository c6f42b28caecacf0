"""Damaged files by the thousand: a sentence is the worst that comes of any."""

from __future__ import annotations

import jsonschema
import pytest

from pipeline import codec
from pipeline.errors import SpecError
from pipeline.reading import grammar, marked, spec
from pipeline.reading.mistakes import Mistakes
from pipeline.reading.table import to_plain
from pipeline.schema import Pipeline
from tests.mutants import mutant, originals


def parsed(text: bytes) -> Pipeline | None:
    """Parse a damaged file; nothing if it was refused, in lines of whole sentences."""
    try:
        return spec.parse(text)
    except SpecError as error:
        said = str(error)
    assert said.startswith("pipeline.yaml:")
    assert said.replace("\n", "").isprintable()
    return None


def check(seeds: range) -> int:
    """Parse so many, hold those that pass against the schema, and count them."""
    texts = originals()
    editor = jsonschema.Draft7Validator(grammar.schema())
    passed = 0
    for seed in seeds:
        text = mutant(seed, texts)
        if (pipeline := parsed(text)) is None:
            continue
        passed += 1
        assert codec.loads(Pipeline, codec.dumps(pipeline), what="plan") == pipeline
        mistakes = Mistakes("pipeline.yaml")
        plain = to_plain(marked.compose(text, mistakes), "", mistakes)
        assert editor.is_valid(plain), f"seed {seed}: the schema refuses what is right"
    return passed


def test_no_damage_does_harm() -> None:
    """A sample of two thousand; some are still right, and then the schema agrees."""
    assert check(range(2000)) > 100


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_no_damage_of_a_hundred_thousand_does_harm() -> None:
    """Each of another seed."""
    assert check(range(2000, 102_000)) > 5000
