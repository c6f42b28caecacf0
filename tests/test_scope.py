"""Which files of a snapshot count as the code of a command."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import scope
from pipeline.aliases import Links
from pipeline.schema import Stage
from tests.strategies import TEXT

# Names as a disk has them: any bytes.
NAMES = st.binary(min_size=1, max_size=9).map(os.fsdecode)
LISTINGS = st.dictionaries(NAMES, st.just("100644:aa"), max_size=6)


def counted(*paths: str, sh: str = "true", prefix: str = ".") -> list[str]:
    """Name those of these files that count for a command."""
    listing = dict.fromkeys(paths, "100644:aa")
    return list(scope.files_of(Stage(name="a", sh=sh), listing, prefix=prefix))


@pytest.mark.parametrize(
    "path",
    [
        *("README.md", "readme", "Readme.rst", "deep/down/README.md", "LICENSE"),
        *("LICENCE.txt", "CHANGELOG.md", "CITATION.cff", "NOTES.md", "TO-DO.rst"),
        *("docs/guide.txt", "docs/conf.py", "doc/x", ".github/workflows/ci.yml"),
        *(".gitignore", "deep/.gitattributes", ".editorconfig", "pipeline.yaml"),
        *("results/latest/x", "artifacts/a", ".pipeline/x", "docs/line\nbreak"),
    ],
)
def test_what_is_for_people_does_not_count(path: str) -> None:
    """Nor what runs brought home, nor what is in the fingerprint by itself."""
    assert counted(path) == []
    assert counted(f"exp/{path}", prefix="exp") == []


@pytest.mark.parametrize(
    "path",
    [
        *("train.py", "security.py", "authors.json", "license.csv", "notice/a.txt"),
        *("prompts/system.md", "prompt.md", "src/docs/corpus.txt", "data/doc/1.txt"),
        *("my-results/x", "deep/results/x", "changes.py", "README.py", "docs.py"),
        *("deep/pipeline.yaml", "notes/authors.txt", "readme-data/x", ".env.example"),
    ],
)
def test_what_may_be_read_counts(path: str) -> None:
    """Where a name could mean both, it counts."""
    assert counted(path) == [path]


@pytest.mark.parametrize(
    ("sh", "counts"),
    [
        ("cat docs/a.txt", True),
        ("cat docs/*.txt", True),
        ("cd docs && cat a.txt", True),
        ("cat results/x", False),
        ("cat elsewhere", False),
    ],
)
def test_what_a_command_names_counts_all_the_same(sh: str, counts: bool) -> None:
    """A document, or the folder it lies in."""
    assert counted("docs/a.txt", sh=sh) == ["docs/a.txt"] * counts


def test_old_results_that_a_command_names_count() -> None:
    """Where they are kept in git, they are a file like any other."""
    assert counted("results/base.csv", sh="plot results/base.csv") == [
        "results/base.csv"
    ]


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("a.py", ["a.py"]),
        ("lib", ["lib/x.py", "lib/deep/y.py"]),
        ("lib/", ["lib/x.py", "lib/deep/y.py"]),
        ("*.py", ["a.py", "lib/x.py", "lib/deep/y.py"]),
        ("lib/*/y.py", ["lib/deep/y.py"]),
        ("l?b", []),
        (".", ["a.py", "lib/x.py", "lib/deep/y.py", "[z]/q"]),
        ("[z]", ["[z]/q"]),
        ("[z]/q", ["[z]/q"]),
        ("nothing", []),
        ("li", []),
    ],
)
@pytest.mark.parametrize("prefix", [".", "exp[1]"])
def test_code_names_files_folders_and_patterns(
    pattern: str, wanted: list[str], prefix: str
) -> None:
    """From where pipeline.yaml lies; `*` crosses folders."""
    base = "" if prefix == "." else f"{prefix}/"
    names = ["a.py", "lib/x.py", "lib/deep/y.py", "[z]/q"]
    listing = {f"{base}{name}": "100644:aa" for name in names}
    beside = {} if prefix == "." else {"a.py": "100644:bb", "lib/x.py": "100644:bb"}

    found = scope.named({**listing, **beside}, [pattern], prefix=prefix)

    assert sorted(found) == sorted(f"{base}{name}" for name in wanted)


@given(LISTINGS, st.lists(TEXT, max_size=3), st.sampled_from([".", "a", "a/b"]))
def test_any_listing_has_its_files(
    listing: scope.Listing, texts: list[str], prefix: str
) -> None:
    """Whatever files are called, and whatever stands in `code:` and `sh:`."""
    named = Stage(name="a", sh="x", code=tuple(texts))
    spoken = Stage(name="a", sh=" ".join(texts))

    for stage in (named, spoken):
        found = scope.files_of(stage, listing, prefix=prefix)
        assert found.items() <= listing.items()
        assert scope.digest_of(found) == scope.digest_of(dict(reversed(found.items())))


@given(LISTINGS, LISTINGS)
def test_other_files_have_another_digest(
    one: scope.Listing, two: scope.Listing
) -> None:
    """By path, mode and object."""
    assert (scope.digest_of(one) == scope.digest_of(two)) is (one == two)


@pytest.mark.parametrize(
    ("path", "way"),
    [
        ("plain.txt", ("plain.txt",)),
        ("link.txt", ("link.txt", "plain.txt")),
        ("twice.txt", ("twice.txt", "link.txt", "plain.txt")),
        ("folder/x.txt", ("folder", "real/x.txt")),
        ("up/x.txt", ("up", "real/deep", "real/x.txt")),
        ("folder/none.txt", ()),
        ("none.txt", ()),
        ("out.txt", ("out.txt",)),
        ("outside.txt", ("outside.txt",)),
        ("dangling.txt", ("dangling.txt",)),
    ],
)
def test_a_link_is_followed_inside_the_snapshot(
    path: str, way: tuple[str, ...]
) -> None:
    """Through links to links and linked folders, and not beyond."""
    links = {
        "link.txt": "plain.txt", "twice.txt": "./link.txt", "folder": "real",
        "real/deep": ".", "up": "real/deep", "out.txt": "/etc/passwd",
        "outside.txt": "../x", "dangling.txt": "gone", "loop": "loop",
    }  # fmt: skip
    listing = {name: f"120000:{name}" for name in links}
    listing |= dict.fromkeys(["plain.txt", "real/x.txt"], "100644:aa")

    found = Links(listing, lambda name: links[name].encode())

    assert found.way(path) == way
    assert found.way("loop/x") == ()


def test_a_linked_folder_counts_with_all_below_it() -> None:
    """As `code:` names it by its link."""
    listing = {"link": "120000:x", "real/a": "100644:aa", "real/b/c": "100644:aa"}
    listing["reality"] = "100644:aa"

    found = Links(listing, lambda _: b"real").with_ends({"link": "120000:x"})

    assert sorted(found) == ["link", "real/a", "real/b/c"]
