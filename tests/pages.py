"""Write what docs/ says of the command from its declaration: `python -m tests.pages`.

Each verb has a page docs/commands/<verb>.md. What stands there between two marks is
made from pipeline/arguments.py; all else is written by hand, and stays. The table in
docs/commands.md is made in the same way.
"""

from __future__ import annotations

from pathlib import Path

from pipeline import arguments, manual

DOCS = Path(__file__).parent.parent / "docs"
BEGIN = "<!-- made by `python -m tests.pages`; write below it -->"
END = "<!-- end of what is made -->"
VERBS = arguments.declare()


def page_of(verb: str) -> Path:
    """Where the page of a verb lies."""
    return DOCS / "commands" / f"{verb}.md"


def pages() -> dict[Path, str]:
    """Give each page as it should be, by its path; what is written by hand stays."""
    found = {page_of(verb): _page(verb) for verb in VERBS.lines}
    index = DOCS / "commands.md"
    return {**found, index: _made_anew(index.read_text(), _index())}


def _page(verb: str) -> str:
    path = page_of(verb)
    if path.exists():
        return _made_anew(path.read_text(), _head(verb))
    prose = "\n\n".join(map(_block, manual.prose(verb).split("\n\n")))
    return f"# pipeline {verb}\n\n{BEGIN}\n{_head(verb)}{END}\n\n{prose}\n"


def _block(text: str) -> str:
    """Write a paragraph of the manual; one with columns keeps its lines."""
    return f"```\n{text}\n```" if "  " in text else text


def _made_anew(text: str, made: str) -> str:
    """Put `made` between the marks of a page; one without any gets them at its top."""
    if BEGIN not in text:
        title, _, rest = text.partition("\n")
        return f"{title}\n\n{BEGIN}\n{made}{END}\n{rest}"
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{made}{END}{rest.partition(END)[2]}"


def _head(verb: str) -> str:
    """Write the synopsis of a verb and the table of what may be said to it."""
    parser = VERBS.parsers[verb]
    synopsis = "\n".join(manual.synopsis(parser))
    said = [(_cell(name), _cell(text)) for name, text in manual.options(parser)]
    table = "\n".join(["| | |", "|---|---|", *(f"| `{n}` | {t} |" for n, t in said)])
    made = f"\n```\n{synopsis}\n```\n\n"
    return f"{made}{table}\n\n" if said else made


def _index() -> str:
    """Write the table of all verbs, by their purposes."""
    lines = ["", "| | |", "|---|---|"]
    for purpose, names in manual.PURPOSES.items():
        lines.append(f"| **{purpose}** | |")
        lines += [
            f"| [`pipeline {name}`](commands/{name}.md) | {_cell(VERBS.lines[name])} |"
            for name in names
            if name in VERBS.lines
        ]
    return "\n".join([*lines, "", ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    for path, text in pages().items():
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
            print(f"wrote {path.relative_to(DOCS.parent)}")
