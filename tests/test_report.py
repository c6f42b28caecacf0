"""The report of a run tells all of it, and shows foreign text as text and no more."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from pipeline import events, gate
from pipeline.report import plain
from pipeline.report.style import STYLE
from pipeline.schema import Input, Stage
from tests.refused import said
from tests.reporting import PNG, Reported

EVIL = "<script>alert(1)</script>&amp;\"'><img src=x onerror=alert(1)>"
SHAPED = "[^\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]*"
TRAIN = Stage(
    name="train",
    run="stages.train",
    params={"epochs": 5, "data": {"source": "synthetic"}},
    gates=(gate.parse("accuracy >= 0.8"), gate.parse("loss is finite")),
)
PLOT = Stage(name="plot", sh="plot {train/model.pt}", inputs=(Input(stage="train"),))
ROWS = b"behaviour,share\nwalk,0.5\ntrot,0.25\n"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


@pytest.fixture
def run(tmp_path: Path) -> Reported:
    """Give a run of two stages that has just begun."""
    return Reported(tmp_path / "results", TRAIN, PLOT)


def test_a_run_that_passed_is_told_whole(run: Reported) -> None:
    """Verdict, snapshot, gates with what was measured, params, tables, artifacts."""
    run.seal("train", {"accuracy": 0.91234, "loss": 0.5}, {"shares.csv": ROWS})
    run.seal("plot", files={"curves.png": PNG})

    text = run.write()

    assert "✓ passed: 2 of 2 stages sealed, 2 of 2 gates passed, in 5.0 s" in text
    assert run.plan.snapshot in text
    assert re.search(r"✓ passed \| `accuracy >= 0.8` +\| +0.9123 \| `train`", text)
    assert "`epochs=5`, `data.source=synthetic`" in text
    assert re.search(r"\| walk +\| +0.5 \|", text)
    assert re.search(r"artifacts/train/model.pt` +\| +1.4 MB \| `abababababab`", text)
    assert "![plot/curves.png](plot/curves.png)" in text


def test_links_of_the_text_lead_to_files_beside_it(run: Reported) -> None:
    """Whatever the files are called."""
    names = {"a b%20.png": PNG, "ü(1).svg": SVG, "x.csv": ROWS, "#.json": b"{}"}
    run.seal("train", {"accuracy": 1, "loss": 1}, names)
    text = run.write()

    found = re.findall(r"\]\(([^#)][^)]*)\)", text)

    assert {unquote(one) for one in found} >= {f"train/{name}" for name in names}
    beside = run.results.root
    (beside / "requirements.freeze.txt").touch()
    assert all((beside / unquote(one)).is_file() for one in found)


def test_a_gate_that_failed_is_told_with_what_holds(run: Reported) -> None:
    """And with what to type next; what did not begin is marked, too."""
    run.seal("train", {"accuracy": 0.7, "loss": 0.5})
    run.tell(events.StageSkipped(stage="plot", because="train failed its gate"))

    text = run.write(3, "gate 'accuracy >= 0.8' failed")

    assert "> ## What went wrong" in text
    assert "accuracy is 0.7" in text
    assert "with Verdict: fail" in text
    assert "▲ gate failed | `accuracy >= 0.8`" in text
    assert "\N{EN DASH} skipped" in text


def test_a_stage_that_failed_is_told_with_its_last_lines(run: Reported) -> None:
    """Its metrics were told, and are sealed nowhere; each try is in the drawing."""
    run.results.stage("train").mkdir()
    lines = [f"line {number}" for number in range(60)]
    run.results.log("train").write_text("\n".join(lines))
    run.tell(
        events.StageStarted(stage="train", attempt=1),
        events.AttemptFailed(stage="train", attempt=1, reason="OOM", again=True),
        events.StageStarted(stage="train", attempt=2),
        events.StageMeasured(stage="train", numbers={"accuracy": 0.5}),
        events.AttemptFailed(stage="train", attempt=2, reason="OOM", again=False),
        events.StageFailed(stage="train", reason="OOM\nat line 3"),
    )

    text = run.write(4, "stage 'train' failed: OOM")

    assert "> line 35\n" in text
    assert "line 34\n" not in text
    assert f"pipeline resume {run.plan.run}" in text
    assert "attempt 1 of train failed: OOM" in text
    assert "Told before it failed" in text
    bars = [v for v in run.page.of("class") if v.startswith("bar ")]
    assert bars == ["bar failed", "bar failed"]


def test_the_same_folder_gives_the_same_bytes(run: Reported) -> None:
    """A report is a function of the run's folder, and of nothing else."""
    run.seal("train", {"accuracy": 1, "loss": 1}, {"c.svg": SVG, "t.csv": ROWS})
    run.write()
    places = (run.results.report, run.results.report_page)
    first = [path.read_bytes() for path in places]
    run.told.pop()
    run.write()

    assert [path.read_bytes() for path in places] == first


def test_foreign_text_is_never_markup(tmp_path: Path) -> None:
    """Reasons, logs, cells, params, file names, names of metrics, the environment."""
    evil = Stage(name="train", sh=EVIL, params={"a": EVIL, EVIL: 1})
    run = Reported(tmp_path / "results", evil, PLOT)
    table = f'{EVIL},b\n"{EVIL.replace(chr(34), chr(34) * 2)}",1\n'.encode()
    files = {"<b>.csv": table, "'\"><x>.svg": SVG, "<i>.png": PNG}
    run.seal("train", {EVIL: 1.0}, files, subject=EVIL, kept_back=(EVIL,))
    run.results.environment.write_text('{"python": "<script>", "packages": {"a": "<"}}')
    run.tell(events.StageFailed(stage="plot", reason=EVIL))
    run.results.stage("plot").mkdir()
    run.results.log("plot").write_text(EVIL)
    run.write(4, EVIL)

    found = run.page
    assert {"script", "b", "i", "x"}.isdisjoint(found.tags)
    assert not [name for _tag, name, _v in found.attributes if name.startswith("on")]
    assert "<script>alert(1)</script>" in found.text
    assert {tag for tag, name, _v in found.attributes if name == "src"} == {"img"}


def test_the_page_allows_itself_nothing(run: Reported) -> None:
    """No script, no network: its own style by its hash, pictures that lie in it."""
    run.seal("train", {"accuracy": 1, "loss": 1}, {"x.svg": SVG, "y.png": PNG})
    run.write()
    text, found = run.results.report_page.read_text(), run.page
    style = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

    policy = next(v for v in found.of("content") if "default-src" in v)
    assert policy.startswith(
        f"default-src 'none'; img-src data:; style-src 'sha256-{style}'"
    )
    assert f"<style>{STYLE}</style>" in text
    assert not found.of("style")
    assert {"script", "link", "iframe", "object"}.isdisjoint(found.tags)
    assert all(v.startswith("data:image/") for v in found.of("src"))
    assert "https:" not in text


def test_an_svg_is_a_picture_and_runs_nothing(run: Reported) -> None:
    """It lies in a data URI of an <img>, where browsers run no script of it."""
    run.seal("train", {"accuracy": 1, "loss": 1}, {"x.svg": SVG})
    run.write()

    data = base64.b64encode(SVG).decode()
    assert run.page.of("src") == [f"data:image/svg+xml;base64,{data}"]


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("x.png", PNG[:-8], "it is no whole PNG"),
        ("x.png", b"", "it is no whole PNG"),
        ("x.png", b"GIF89a", "it is no whole PNG"),
        ("x.svg", b"<html>", "it is no SVG"),
        ("x.png", PNG + b"\0" * 2_000_000, "too large: 2.0 MB"),
        ("x.csv", b"a\0,b\n" + b"\x00" * 9, ""),
        ("x.csv", b"\n\n", "it is empty"),
        ("x.csv", b"1,2\n" * 300_000, "too large: 1.2 MB"),
        ("x.csv", b'"' + b"a" * 200_000, "it is no table"),
    ],
)
def test_what_cannot_be_shown_is_named(
    run: Reported, name: str, data: bytes, why: str
) -> None:
    """With the reason; the report is made all the same."""
    run.seal("train", {"accuracy": 1, "loss": 1}, {name: data})

    text = run.write()

    assert why in text
    assert f"train/{name}" in text
    assert not run.page.of("src")


@pytest.mark.parametrize(
    ("dense", "unit", "width"),
    [(11811, 1, "320"), (2835, 1, "800"), (11811, 0, "800"), (0, 1, "800")],
)
def test_a_figure_for_paper_has_its_size_there(
    run: Reported, dense: int, unit: int, width: str
) -> None:
    """800 pixels at 300 to the inch are less than three inches, and no wide banner."""
    said = b"\0\0\0\x09pHYs" + dense.to_bytes(4, "big") * 2 + bytes([unit])
    data = PNG[:33] + said + PNG[33:]
    run.seal("train", {"accuracy": 1, "loss": 1}, {"x.png": data})
    run.write()

    found = run.page.attributes
    assert [v for tag, name, v in found if (tag, name) == ("img", "width")] == [width]


def test_what_changed_since_it_was_sealed_is_not_shown(run: Reported) -> None:
    """Another stage may have written there."""
    run.seal("train", {"accuracy": 1, "loss": 1}, {"x.png": PNG, "t.csv": ROWS})
    for name in ("x.png", "t.csv"):
        path = run.results.stage("train") / name
        path.write_bytes(path.read_bytes().replace(b"0", b"1") + b"\0")

    assert run.write().count("not what was sealed any more") == 2


def test_figures_share_the_room_of_a_report(tmp_path: Path) -> None:
    """Eight megabytes where git holds files of two; the rest is named."""
    run = Reported(tmp_path / "results", TRAIN)
    large = {f"{n}.png": PNG[:33] + bytes(1_900_000) + PNG[33:] for n in range(6)}
    run.seal("train", {"accuracy": 1, "loss": 1}, large)
    text = run.write()

    assert len(run.page.of("src")) == 4
    assert text.count("no room left in this report") == 2
    assert run.results.report_page.stat().st_size < 12_000_000


def test_numbers_that_are_none_are_said_so(run: Reported) -> None:
    """A gate over them fails; the largest numbers do not break a line."""
    odd = {"accuracy": float("nan"), "loss": float("inf"), "big": 10**300, "low": -0.0}
    run.seal("train", odd)

    text = run.write(3)

    assert re.search(r"▲ gate failed \| `accuracy >= 0.8` +\| +not finite \|", text)
    assert re.search(r"`big` +\| +1e\+300 \|", text)
    assert plain.number(10**400) == "too large"


def test_what_has_no_shape_is_replaced(run: Reported) -> None:
    """Escapes, what turns the reading direction, bytes that were no text."""
    run.tell(
        events.StageFailed(stage="train", reason="\x1b[31mred\x1b[0m \x07 \u202eabc")
    )
    run.results.stage("train").mkdir()
    run.results.log("train").write_bytes(b"a\x1b]0;title\x07b\xff\x00c\r50%\n\x9b2J")
    text = run.write(4, "\ud800 half")

    for path in (run.results.report, run.results.report_page):
        assert re.fullmatch(SHAPED, path.read_text(), re.DOTALL)
    assert "red � �abc" in text


def test_much_is_cut_and_said(tmp_path: Path) -> None:
    """5,000 stages: those that failed are told whole, and of the rest how many."""
    many = [
        Stage(name=f"s{n}", sh="true", after=(f"s{n - 1}",) * (n > 0))
        for n in range(5000)
    ]
    run = Reported(tmp_path / "results", *many)
    run.seal("s0", {"x": 1.0})
    run.tell(events.StageFailed(stage="s4999", reason="the last one"))

    text = run.write(4, "the last one")

    assert "Not listed: 4500 stages; those that failed are." in text
    assert "## `s4999`" in text
    assert text.count("\n## `s") == 100
    assert run.results.report_page.stat().st_size < 1_000_000


def test_what_lies_there_in_ruins_is_no_reason_for_no_report(run: Reported) -> None:
    """Manifests, metrics and the environment may be torn; what is known is told."""
    run.seal("train", {"accuracy": 0.9, "loss": 1})
    for path in (run.results.manifest("train"), run.results.metrics("train")):
        path.write_text("{torn")
    run.results.environment.write_text("[")

    assert re.search(r"`accuracy >= 0.8` +\| +0.9 \|", run.write())


def test_its_names_are_no_stages() -> None:
    """They lie in results/ beside the folders of stages."""
    for name in ("FINAL_REPORT.md", "final_report.html"):
        told = said(f"name: x\nstages: {{{name}: {{sh: x}}}}\n")
        assert f"results/{name} is taken" in told
