"""The pages of docs/ say of the command what it says of itself."""

from __future__ import annotations

import re

import pytest

from tests.pages import DOCS, END, VERBS, page_of, pages

PAGES = pages()
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_what_is_made_is_as_it_would_be_made(path: object) -> None:
    """A stale page is written anew by: python -m tests.pages."""
    (page,) = [page for page in PAGES if page == path]

    assert page.exists(), "python -m tests.pages"
    assert page.read_text() == PAGES[page], "python -m tests.pages"


@pytest.mark.parametrize("verb", VERBS.lines)
def test_a_page_has_prose_of_its_own(verb: str) -> None:
    """More than what is made: what it promises, and what it prints."""
    prose = page_of(verb).read_text().partition(END)[2]

    assert len(prose.split()) >= 20


def test_no_page_is_of_a_verb_there_is_not() -> None:
    """A verb that went takes its page with it."""
    assert {path.stem for path in (DOCS / "commands").glob("*.md")} == set(VERBS.lines)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_links_lead_somewhere(path: object) -> None:
    """Each to a file that is there, and to a heading in it."""
    (page,) = [page for page in PAGES if page == path]
    for target, anchor in LINK.findall(page.read_text()):
        if "://" in target:
            continue
        there = page.parent / target if target else page
        assert there.exists(), target
        if anchor:
            assert anchor in anchors(there.read_text()), f"{target}#{anchor}"


def anchors(text: str) -> set[str]:
    """Give the anchors GitHub makes of the headings."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.strip().replace(" ", "-") for heading in plain}
