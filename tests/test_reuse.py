"""What is edited and counts is executed again; what does not count is reused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.changes import Change
from tests.afar import Remote
from tests.lab import Host, Lab
from tests.laptop import Laptop
from tests.reused import (
    FILES,
    artifact,
    executed,
    kinds,
    not_reused,
    planned,
    sealed_file,
    written,
)

FIT = {"fit", "use"}  # use waits for fit
ALL = {"fit", "use", "tool", "whole"}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Laptop:
    """A pipeline that was run once; tests edit it, and put it back."""
    laptop = written(Laptop(tmp_path_factory.mktemp("ran")))
    laptop.pipeline("run")
    return laptop


@pytest.fixture
def edited(ran: Laptop) -> Iterator[Laptop]:
    """The same, to be edited: it is put back afterwards."""
    yield ran
    ran.git("checkout", "-q", "-f", "main", ".")
    ran.git("clean", "-q", "-f", "-d")
    shutil.rmtree(ran.repo / "data")
    for name, text in FILES.items():
        if name.startswith("data/"):
            ran.write(name, text)


Edit = Callable[[Laptop], object]


def append(name: str, text: str = "# more\n") -> Edit:
    """Edit a file, or make one."""

    def edit(laptop: Laptop) -> None:
        path = laptop.repo / name
        old = path.read_text() if path.exists() else ""
        laptop.write(name, old + text)

    return edit


def swap(name: str, old: str, new: str) -> Edit:
    """Edit a place in a file."""

    def edit(laptop: Laptop) -> None:
        text = (laptop.repo / name).read_text()
        assert old in text
        laptop.write(name, text.replace(old, new))

    return edit


def program(laptop: Laptop) -> None:
    """Make a file a program."""
    (laptop.repo / "scripts/deep/more.txt").chmod(0o755)


def touch(laptop: Laptop) -> None:
    """Change the times of data and code."""
    for name in ("data/dogs/a.png", "lib/deep.py"):
        os.utime(laptop.repo / name)


def sly(laptop: Laptop) -> None:
    """Change data to as many other bytes, and put its modification time back."""
    path = laptop.repo / "data/dogs/a.png"
    status = path.stat()
    path.write_text("meow\n")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def renamed(laptop: Laptop) -> None:
    """Give a file of a data set another name."""
    path = laptop.repo / "data/dogs/a.png"
    path.rename(path.with_name("z.png"))


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(edit, id=name)
        for name, edit in {
            "a readme": append("README.md"),
            "documents": append("docs/guide.md"),
            "a new document at the top": append("TODO.md"),
            "times": touch,
            "a comment of pipeline.yaml": append("pipeline.yaml", "# a comment\n"),
            "a timeout": swap(
                "pipeline.yaml", "run: stages.fit", "run: stages.fit\n    timeout: 1h"
            ),
            "retries, jobs and heartbeat": append(
                "pipeline.yaml", "jobs: 2\nheartbeat: {every: 9s}\n"
            ),
            "order alone": swap(
                "pipeline.yaml",
                "  tool:\n",
                "  tool:\n    after: [whole]\n",
            ),
            "the order of stages and params": swap(
                "pipeline.yaml",
                "params: {seed: 3, width: 8}",
                "params: {width: 8, seed: 3}",
            ),
            "a commit message": swap(
                "pipeline.yaml",
                "run: stages.fit",
                'run: stages.fit\n    commit: "fitted"',
            ),
        }.items()
    ],
)
def test_what_shapes_no_output_executes_nothing(edited: Laptop, edit: Edit) -> None:
    """Neither words for people nor the ways in which a stage is run."""
    edit(edited)

    assert not_reused(edited) == set()


@pytest.mark.parametrize(
    ("edit", "stages"),
    [
        pytest.param(edit, stages, id=name)
        for name, edit, stages in (
            ("a module nobody imports", append("lib/nobody.py"), {"whole"}),
            ("a new file", append("new.txt"), {"whole"}),
            ("the module", append("stages/use.py"), {"use", "whole"}),
            ("a module it imports", append("lib/deep.py"), FIT | {"whole"}),
            ("two imports away", append("lib/deeper.py"), FIT | {"whole"}),
            ("a relative import", append("stages/near.py"), FIT | {"whole"}),
            ("a star import", append("lib/star.py"), FIT | {"whole"}),
            ("a package's own file", append("lib/__init__.py"), FIT | {"whole"}),
            ("its own package", append("stages/__init__.py"), FIT | {"whole"}),
            ("a namespace package", append("ns/thing.py"), FIT | {"whole"}),
            ("an import inside a function", append("lib/late.py"), FIT | {"whole"}),
            ("a name that is computed", append("lib/computed.py"), FIT | {"whole"}),
            ("a file it opens", append("conf/settings.json"), FIT | {"whole"}),
            ("a file in a folder it lists", append("shelf/b.txt"), FIT | {"whole"}),
            (
                "a module that hides another",
                append("lib/deep/__init__.py", "DEEP = 2\n"),
                FIT | {"whole"},
            ),
            ("a folder of `code:`", append("scripts/deep/more.txt"), {"tool", "whole"}),
            ("a new file of `code:`", append("scripts/x.sh"), {"tool", "whole"}),
            ("a pattern of `code:`", append("tables/rates.csv"), {"tool", "whole"}),
            ("beside the pattern", append("tables/rates.txt"), {"whole"}),
            ("the right to execute", program, {"tool", "whole"}),
            ("a document that is spoken of", append("doc/spoken.txt"), {"whole"}),
            ("a prompt", append("notes/prompt.md"), {"whole"}),
            ("a module called as a document is", append("security.py"), {"whole"}),
            ("data", append("data/dogs/a.png"), FIT),
            ("new data", append("data/dogs/new.png"), FIT),
            ("data in disguise", sly, FIT),
            ("a name in the data", renamed, FIT),
        )
    ],
)
def test_what_a_stage_reads_executes_it(
    edited: Laptop, edit: Edit, stages: set[str]
) -> None:
    """Just the stages that read it; those below wait for what these will give."""
    edit(edited)

    assert not_reused(edited) == stages


@pytest.mark.parametrize(
    ("old", "new", "stages", "because"),
    [
        ("times: 2", "times: 3", FIT, "param times: 2 -> 3"),
        ("seed: 3", "seed: 4", ALL, "param seed: 3 -> 4"),
        ("width: 8", "width: 9", {"fit", "use", "tool"}, "param width: 8 -> 9"),
        ("[fit.txt]", "[fit.txt, b]", FIT, "outputs: fit.txt -> b, fit.txt"),
        ("[tool.txt]", "[tool.txt]\n    collect: [a]", {"tool"}, "collect is new: a"),
        ("sh: cat notes", "sh: cat ./notes", {"whole"}, "sh: "),
        (
            "code: [scripts",
            "code: [lib, scripts",
            {"tool"},
            "code lib/__init__.py is new",
        ),
        ('code: [scripts, "tables/*.csv"]\n', "\n", {"tool"}, "code: what `code:` "),
        ("{path: data/dogs}", "{path: data/dogs, by: stat}", FIT, "data dogs/a.png"),
        (
            "{path: data/dogs}",
            "{path: data/dogs, by: version, version: v0}",
            FIT,
            "data dogs",
        ),
    ],
)
def test_what_pipeline_yaml_says_of_a_stage_executes_it(
    edited: Laptop, old: str, new: str, stages: set[str], because: str
) -> None:
    """The seed reaches every stage; of other shared params, a command what it names."""
    swap("pipeline.yaml", old, new)(edited)

    found = planned(edited)

    assert {name for name, one in found.items() if one["kind"] != "reuse"} == stages
    # Compared with the newest seal, which another test may have made: more may differ.
    decided = [one for one in found.values() if one["kind"] == "execute"]
    said = [Change(**change).text() for one in decided for change in one["changes"]]
    assert any(because in one for one in said), said


def test_what_is_said_on_the_command_line_counts(edited: Laptop) -> None:
    """As if it stood in pipeline.yaml."""
    assert not_reused(edited, "--set", "fit.times=9") == FIT
    assert not_reused(edited, "--set", "fit.times=2") == set()


def test_a_stage_of_another_name_is_another_stage(edited: Laptop) -> None:
    """Its name is a part of where its files lie."""
    swap("pipeline.yaml", "  whole:\n", "  entire:\n")(edited)

    assert planned(edited)["entire"]["because"] == "never sealed on this host"


def test_data_by_its_look_is_never_read(edited: Laptop) -> None:
    """By stat a touch counts; by version only the word does."""
    swap("pipeline.yaml", "data/dogs}", "data/dogs, by: stat}")(edited)
    edited.pipeline("run", "--until", "fit")
    assert not_reused(edited, "--until", "fit") == set()
    os.utime(edited.repo / "data/dogs/a.png", (1, 1))
    assert not_reused(edited, "--until", "fit") == {"fit"}

    version = "data/dogs, by: version, version: v1}"
    swap("pipeline.yaml", "data/dogs, by: stat}", version)(edited)
    edited.pipeline("run", "--until", "fit")
    append("data/dogs/a.png")(edited)
    assert not_reused(edited, "--until", "fit") == set()
    swap("pipeline.yaml", "version: v1", "version: v2")(edited)
    said = planned(edited, "--until", "fit")["fit"]["because"]
    assert said == "data dogs changed"


def test_a_library_in_a_folder_above_counts(laptop: Laptop) -> None:
    """pipeline.yaml may lie below the root of the repository; both are looked in."""
    del laptop.env["PYTHONPATH"]
    laptop.write(
        "exp[1]/pipeline.yaml",
        "name: below\nstages:\n  a:\n    run: work.a\n"
        "  b:\n    sh: cat here/x.txt\n    code: [here, 'pat*.txt']\n",
    )
    laptop.write("exp[1]/work/a.py", "import above\nimport beside\nrun = print\n")
    laptop.write("exp[1]/beside.py", "")
    laptop.write("above/__init__.py", "")
    laptop.write("exp[1]/here/x.txt", "x\n")
    laptop.write("exp[1]/pat1.txt", "x\n")
    laptop.write("here/x.txt", "elsewhere\n")
    laptop.commit()
    file = ("--file", "exp[1]/pipeline.yaml")
    laptop.pipeline("run", *file)
    assert not_reused(laptop, *file) == set()

    for name, stages in {
        "above/__init__.py": {"a"},
        "exp[1]/beside.py": {"a"},
        "exp[1]/above.py": {"a"},
        "beside.py": {"a"},
        "exp[1]/here/x.txt": {"b"},
        "exp[1]/pat1.txt": {"b"},
        "exp[1]/pat2.txt": {"b"},
        "here/x.txt": set(),
        "pat1.txt": set(),
    }.items():
        append(name)(laptop)
        assert not_reused(laptop, *file) == stages, name
        laptop.git("checkout", "-q", "-f", "main", ".")
        laptop.git("clean", "-q", "-f", "-d")


def test_what_a_link_leads_to_counts(laptop: Laptop) -> None:
    """A module, a folder of modules, a file that `code:` names: behind a link."""
    del laptop.env["PYTHONPATH"]
    laptop.write(
        "pipeline.yaml",
        "name: links\nstages:\n  a:\n    run: work.a\n"
        "  b:\n    sh: cat link.txt\n    code: [link.txt]\n",
    )
    laptop.write("real/a.py", "import lib.inside\nrun = print\n")
    laptop.write("real/lib/inside.py", "")
    laptop.write("real/text.txt", "x\n")
    (laptop.repo / "work").mkdir()
    (laptop.repo / "work/a.py").symlink_to("../real/a.py")
    (laptop.repo / "lib").symlink_to("real/lib")
    (laptop.repo / "link.txt").symlink_to("real/text.txt")
    laptop.commit()
    laptop.pipeline("run")
    assert not_reused(laptop) == set()

    for name, stages in {
        "real/a.py": {"a"},
        "real/lib/inside.py": {"a"},
        "real/text.txt": {"b"},
        "real/other.txt": set(),
    }.items():
        append(name)(laptop)
        assert not_reused(laptop) == stages, name
        laptop.git("checkout", "-q", "-f", "main", ".")
        laptop.git("clean", "-q", "-f", "-d")


def test_an_upgraded_package_executes_all_stages(
    laptop: Laptop, tmp_path: Path
) -> None:
    """It is named, with both versions."""
    written(laptop)
    venv = tmp_path / "venv"
    argv = [sys.executable, "-m", "venv", "--without-pip", str(venv)]
    subprocess.run(argv, check=True)
    (site,) = venv.glob("lib/python*/site-packages")
    note = site / "numbers-1.0.dist-info"
    note.mkdir()
    (note / "METADATA").write_text("Name: numbers\nVersion: 1.0\n")
    text = (laptop.repo / "pipeline.yaml").read_text()
    laptop.write("pipeline.yaml", f"{text}env: {{python: {venv}/bin/python}}\n")
    laptop.pipeline("run")
    assert not_reused(laptop) == set()

    (note / "METADATA").write_text("Name: numbers\nVersion: 1.1\n")
    note.rename(site / "numbers-1.1.dist-info")

    assert not_reused(laptop) == ALL
    assert planned(laptop)["tool"]["because"] == "package numbers: 1.0 -> 1.1"
    assert "package numbers: 1.0 -> 1.1" in laptop.pipeline("explain", "tool")


def test_an_output_that_stayed_the_same_lets_those_below_be_reused(
    laptop: Laptop,
) -> None:
    """A comment in an upstream module costs that stage, and no other."""
    written(laptop).pipeline("run")
    append("lib/deep.py")(laptop)

    assert kinds(laptop)["use"] == "wait"
    laptop.pipeline("run")

    assert executed(laptop) == ["fit", "whole"]
    body = laptop.git(
        "log", "--format=%B", "-1", "--grep=Stage: use", "run/" + laptop.run_id
    )
    assert "Reuses: " in body


def test_what_another_gave_executes_those_below(laptop: Laptop) -> None:
    """By the content of the file they read."""
    written(laptop).pipeline("run")
    append("data/dogs/a.png")(laptop)

    laptop.pipeline("run")

    assert executed(laptop) == ["fit", "use"]
    before = planned(laptop)
    assert {one["kind"] for one in before.values()} == {"reuse"}


def test_going_back_reuses_what_was_sealed_then(laptop: Laptop) -> None:
    """Any older seal will do, not only the newest."""
    written(laptop).pipeline("run")
    swap("pipeline.yaml", "times: 2", "times: 3")(laptop)
    laptop.pipeline("run")
    swap("pipeline.yaml", "times: 3", "times: 2")(laptop)

    said = laptop.pipeline("run")

    assert "sealed already" in said


def test_a_reused_run_has_the_same_trees_and_files(laptop: Laptop) -> None:
    """Figures and artifacts lie in the new run and in its mirror, byte by byte."""
    laptop.with_chain()
    del laptop.env["PYTHONPATH"]
    laptop.pipeline("run")
    first, trees = laptop.run_id, laptop.trees()
    old = laptop.run_folder() / "tree"
    swap("pipeline.yaml", "gates: [x >= 1]", "gates: [x >= 0.5]")(laptop)
    swap("pipeline.yaml", "outputs: [three.txt]", "outputs: [three.txt, more]")(laptop)
    laptop.pipeline("run", code=4)

    assert laptop.run_id != first
    assert executed(laptop) == ["three"]
    assert laptop.trees() == {k: v for k, v in trees.items() if k != "three"}
    new = laptop.run_folder() / "tree"
    for name in ("artifacts/one/one.txt", "artifacts/two/two.txt"):
        assert (new / name).read_bytes() == (old / name).read_bytes()
        assert (new / name).stat().st_ino != (old / name).stat().st_ino
    assert json.loads((laptop.results / "one/metrics.json").read_text()) == {"x": 1}


ODD = """\
name: odd
params: {w: 1}
git: {max_file: 1kB}
stages:
  make:
    sh: |
      printf '#!/bin/sh\\n' > $OUT/tool; chmod 755 $OUT/tool
      echo a > "$OUT/a b.txt"; echo u > $OUT/ü.txt
      echo n > "$OUT/line
      break"; mkdir $OUT/deep; echo d > $OUT/deep/d.txt
      head -c 5000 /dev/zero > $OUT/large.bin
      head -c 6000 /dev/zero > $RESULTS/figure.png
    code: [nothing]
  after:
    sh: echo {w} $(wc -c < {make/large.bin}) > $OUT/n.txt
    code: [nothing]
    outputs: [n.txt]
"""


@pytest.fixture
def odd(laptop: Laptop) -> Laptop:
    """A run whose files have odd names, sizes and rights."""
    del laptop.env["PYTHONPATH"]
    text = ODD.replace(
        "code: [nothing]\n  after", "code: [nothing]\n    outputs: [large.bin]\n  after"
    )
    laptop.write("pipeline.yaml", text)
    laptop.write("nothing", "")
    laptop.commit()
    laptop.pipeline("run")
    return laptop


def held(folder: Path) -> dict[str, tuple[bytes, bool]]:
    """Give what lies below a folder: bytes, and whether it may be executed."""
    return {
        str(path.relative_to(folder)): (
            path.read_bytes(),
            os.access(path, os.X_OK) and bool(path.stat().st_mode & 0o100),
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in ("stage.log", ".gitattributes")
    }


def store_of(laptop: Laptop) -> Path:
    """Give the folder of large artifacts."""
    (store,) = laptop.home.glob(".pipeline/*/store")
    return store


def test_large_and_odd_files_are_reused_whole(odd: Laptop) -> None:
    """Through the store, with their names and their right to be executed."""
    first = odd.run_folder() / "tree"
    odd.pipeline("run", "--set", "w=2")

    assert executed(odd) == ["after"]
    second = odd.run_folder() / "tree"
    for kind in ("artifacts", "results"):
        assert held(second / kind / "make") == held(first / kind / "make")
    names = held(second / "artifacts/make")
    assert {"a b.txt", "ü.txt", "line\nbreak", "deep/d.txt", "large.bin"} < set(names)
    assert names["tool"][1]
    assert len(held(odd.results / "make")["figure.png"][0]) == 6000


def test_a_large_file_that_was_lost_is_made_again(odd: Laptop) -> None:
    """Deleted from the store: the plan says it, and the stage is executed."""
    for path in store_of(odd).glob("[0-9a-f]*"):
        path.unlink()

    said = planned(odd, "--set", "w=2")["make"]["because"]
    assert said == "its artifacts are gone from this host"
    odd.pipeline("run", "--set", "w=2")

    assert executed(odd) == ["make", "after"]
    assert artifact(odd, "make/large.bin").stat().st_size == 5000


def test_a_large_file_that_was_damaged_is_made_again(odd: Laptop) -> None:
    """As large as it was, and with other bytes: it is hashed before it is used."""
    for path in store_of(odd).glob("[0-9a-f]*"):
        path.chmod(0o600)
        path.write_bytes(b"x" * path.stat().st_size)

    odd.pipeline("run", "--set", "w=2")

    assert executed(odd) == ["make", "after"]
    assert artifact(odd, "make/large.bin").read_bytes() == bytes(5000)


GATED = """\
name: gated
stages:
  a:
    sh: echo a > $OUT/a.txt; echo '{"x":1}' > $RESULTS/metrics.json
    outputs: [a.txt]
    gates: [x >= 1]
  b: {sh: "cat {a/a.txt}"}
"""


def last_seal(laptop: Laptop, stage: str) -> dict[str, str]:
    """Read the trailers of a stage's seal in the latest run."""
    body = laptop.git(
        "log",
        "-1",
        "--format=%(trailers:only)",
        f"--grep=Stage: {stage}$",
        f"run/{laptop.run_id}",
    )
    return dict(line.split(": ", 1) for line in body.splitlines() if ": " in line)


def test_a_threshold_that_moves_executes_nothing_and_judges_anew(
    laptop: Laptop,
) -> None:
    """Down, up and down again: the numbers stay, the verdict follows."""
    del laptop.env["PYTHONPATH"]
    laptop.write("pipeline.yaml", GATED)
    laptop.commit()
    laptop.pipeline("run")
    run = laptop.run_id
    first = laptop.git("rev-list", "-1", "--grep=Stage: a$", f"run/{run}")
    swap("pipeline.yaml", "x >= 1", "x >= 2")(laptop)
    assert kinds(laptop) == {"a": "reuse", "b": "wait"}

    said = laptop.pipeline("run", code=3)
    assert "x >= 2" in said
    assert executed(laptop) == []
    seal = last_seal(laptop, "a")
    assert (seal["Verdict"], seal["Reuses"]) == ("fail", first)
    assert laptop.seals() == ["a"]

    laptop.pipeline("run", code=3)
    assert executed(laptop) == []
    assert last_seal(laptop, "a")["Verdict"] == "fail"

    swap("pipeline.yaml", "x >= 2", "x >= 0")(laptop)
    assert f"sealed already, in run {run}" in laptop.pipeline("run")


def test_a_null_run_leaves_no_trace(laptop: Laptop) -> None:
    """No run folder, no record, no branch, no mirror; it says where all is sealed."""
    written(laptop).pipeline("run")
    run = laptop.run_id
    places = ("results", ".pipeline/runs")

    def lying() -> list[list[str]]:
        folders = [laptop.repo / place for place in places]
        folders.append(laptop.run_folder().parent)
        names = [sorted(path.name for path in one.iterdir()) for one in folders]
        return [*names, laptop.git("branch", "--list").split()]

    before = lying()
    said = laptop.pipeline("run")

    assert f"sealed already, in run {run}" in said
    assert "pipeline run --force" in said
    assert lying() == before


def test_a_run_whose_folder_is_gone_is_made_again(laptop: Laptop) -> None:
    """Where all is sealed is also where all can be looked at."""
    written(laptop).pipeline("run")
    shutil.rmtree(laptop.run_folder())

    said = laptop.pipeline("run")

    assert "sealed already" not in said
    assert executed(laptop) == []
    assert artifact(laptop, "use/use.txt").exists()


def test_two_runs_at_once_both_end_well(laptop: Laptop) -> None:
    """Of the same thing: each has its seals, and they hold the same."""
    written(laptop)
    both = [laptop.spawn("run") for _ in range(2)]
    said = [one.communicate(timeout=90)[0] for one in both]

    assert [one.returncode for one in both] == [0, 0], said
    branches = laptop.git("branch", "--list", "run/*", "--format=%(refname:short)")
    listings = {
        laptop.git("ls-tree", "-r", branch, f"results/{stage}", "artifacts")
        for branch in branches.split()
        for stage in ALL
        for sealed in [
            laptop.git("log", "--format=%(trailers:key=Stage,valueonly)", branch)
        ]
        if sorted(sealed.split()) == sorted(ALL)
    }
    assert len(branches.split()) == 2
    assert len(listings) == len(ALL)


def test_the_stage_that_was_being_made_is_not_taken_for_sealed(
    laptop: Laptop,
) -> None:
    """A second run while the first is at work executes what is not sealed yet."""
    wait = "while [ ! -e $HOME/go ]; do sleep 0.1; done"
    laptop.write("pipeline.yaml", f"name: slow\nstages:\n  a:\n    sh: {wait}\n")
    laptop.commit()
    laptop.pipeline("run", "--detach")
    first = laptop.run_id
    laptop.wait_for_event("stage_started a")

    assert kinds(laptop) == {"a": "execute"}
    laptop.pipeline("run", "--detach")
    assert laptop.run_id != first
    (laptop.home / "go").touch()
    laptop.pipeline("attach", code=0)

    assert executed(laptop) == ["a"]


def test_work_that_was_merged_is_reused(laptop: Laptop) -> None:
    """Who merges a run's branch into his own keeps its seals."""
    written(laptop).pipeline("run")
    laptop.git("merge", "-q", "--no-edit", f"run/{laptop.run_id}")
    laptop.pipeline("run", "--force", "tool")

    assert executed(laptop) == ["tool"]


def test_a_stage_s_seal_says_what_determined_it(ran: Laptop) -> None:
    """In fingerprint.json: the readable parts, and the files it was seen to open."""
    document = sealed_file(ran, "fit")

    assert document["fingerprint"].startswith("sha256:")
    assert document["parts"]["params"] == {"seed": 3, "times": 2, "width": 8}
    assert set(document["parts"]["inputs"]) == {"data:dogs"}
    assert "lib/nobody.py" not in document["parts"]["files"]
    assert "conf/settings.json" in document["reads"]


@pytest.mark.lab
@pytest.mark.timeout(120)
def test_on_a_box_too_nothing_is_done_twice(
    remote: Remote, box: Host, lab: Lab
) -> None:
    """Planned there; a dry run sends nothing; a null run starts and leaves nothing."""
    remote.on(box, lab, (remote.repo / "pipeline.yaml").read_text())
    there = "find ~/.pipeline -path '*/runs/*' -maxdepth 3 2>/dev/null; true"

    dry = remote.pipeline("run", "--host", "gpu", "--dry-run")
    assert "would travel to gpu: 3 files, " in dry
    assert "  stages/three.py\n" in dry
    assert "never sealed on this host" in dry
    assert box.exec(there) == ""
    remote.pipeline("run", "--host", "gpu")
    runs, first = box.exec(there), remote.run_id

    plan = remote.pipeline("plan", "--host", "gpu")
    assert plan.startswith("chain on gpu: 3 to reuse\n")
    assert f"sealed already, in run {first}" in plan
    said = remote.pipeline("run", "--host", "gpu")
    assert f"sealed already, in run {first}" in said
    assert box.exec(there) == runs
    assert remote.run_id == first
    refs = "git --git-dir ~/.pipeline/*/code.git for-each-ref --format='%(refname)'"
    assert box.exec(refs).count("refs/heads/ship/") == 1

    swap("stages/three.py", "<svg/>", "<svg></svg>")(remote)
    assert "would travel to gpu: 1 file, " in remote.pipeline(
        "run", "--host", "gpu", "--dry-run"
    )
    said = remote.pipeline("explain", "three", "--host", "gpu")
    assert "code stages/three.py changed" in said
    assert '+        path.write_text("<svg></svg>")' in said


def test_data_that_changes_while_it_is_read_is_reused_by_nobody(tmp_path: Path) -> None:
    """Nobody knows which half was read: the next run reads it again."""
    laptop = Laptop(tmp_path)
    laptop.write(".gitignore", "data/\n")
    laptop.write("data/a.txt", "old\n")
    laptop.write(
        "pipeline.yaml",
        "name: x\ndata: {d: {path: data}}\nstages:\n"
        "  read:\n    sh: cat {data:d}/a.txt > $OUT/a; echo new > {data:d}/a.txt\n"
        "    outputs: [a]\n",
    )
    laptop.commit()
    laptop.pipeline("run")
    laptop.write("data/a.txt", "old\n")

    said = laptop.pipeline("plan")

    assert "execute" in said
    assert "changed while it was read" in said
