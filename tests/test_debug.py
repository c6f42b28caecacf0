"""`pipeline debug` runs one stage again, in the foreground, and seals nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.afar import Remote
from tests.attended import Terminal, held, lives
from tests.laptop import CHAIN, THREE, Laptop, wait_until

if TYPE_CHECKING:
    from tests.lab import Host, Lab

FAILING = """\
name: failing
params: {seed: 3}
heartbeat: {every: 1s}
stages:
  one:
    sh: printf 'one\\n' > $OUT/one.txt
    outputs: [one.txt]
  two:
    sh: |
      echo seen >> $CHECKPOINTS/seen; wc -l < $CHECKPOINTS/seen
      cat {one/one.txt}; echo seed {seed} $PIPELINE_STAGE; echo half > $OUT/half.txt
      exit 3
    outputs: [two.txt]
  three:
    after: [two]
    sh: "true"
"""
STOPPING = THREE.replace("    print(", "    breakpoint()\n    print(")


def before_and_after(laptop: Laptop, *words: str, code: int) -> str:
    """Debug, and make sure that nothing of the run is another."""
    folder = laptop.run_folder()
    places = [folder / "tree", folder / "checkpoints", laptop.repo]
    before = [held(place) for place in places], laptop.git("rev-parse", "--all")

    said = laptop.pipeline("debug", *words, code=code)

    after = [held(place) for place in places], laptop.git("rev-parse", "--all")
    assert after == before
    return said


def test_a_failed_stage_fails_again_before_one_s_eyes(laptop: Laptop) -> None:
    """Same inputs, params and checkpoints, its own exit code; all is as it was."""
    laptop.write("pipeline.yaml", FAILING)
    laptop.commit()
    laptop.pipeline("run", code=4)

    said = before_and_after(laptop, "two", code=3)

    draft = laptop.run_folder() / "attempts" / "two.debug"
    assert said == (
        "2\none\nseed 3 two\n"
        "stage 'two' ended in 3; nothing was sealed\n"
        f"  $OUT: {draft / 'out'} (half.txt)\n"
        f"  $RESULTS: {draft / 'results'} (empty)\n"
    )
    # Checkpoints are those of the run each time, and not of an earlier debugging.
    assert before_and_after(laptop, "two", code=3) == said


def test_a_sealed_stage_may_be_debugged_too(chain: Laptop) -> None:
    """What it made lies apart from what is sealed; its metrics are shown."""
    chain.pipeline("run")

    said = before_and_after(chain, "three", chain.run_id, code=0)

    assert "three is done" in said
    assert 'its metrics: {"length": 10}' in said
    made = held(chain.run_folder() / "attempts" / "three.debug" / "out")
    assert made == {"three.txt": b"one\ntwo 3\n" * 2}


def test_breakpoint_stops_at_the_terminal(chain: Laptop) -> None:
    """The stage's stdin is the terminal's."""
    chain.write("stages/three.py", STOPPING)
    chain.commit()
    chain.pipeline("run", code=4)
    terminal = Terminal(chain, "debug", "three")

    terminal.see("(Pdb)")
    terminal.type("p params.times * 21")
    terminal.see("42")
    terminal.type("c")
    terminal.see("three is done")
    terminal.see("nothing was sealed")

    assert terminal.end() == 0


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["tow"], 2, "has no stage 'tow'\n  did you mean 'two'?"),
        (["three"], 6, "stage 'three' needs 'two', which is not sealed yet"),
        (["two", "20200101-0000-0000"], 2, "no run is called '20200101-0000-0000'"),
    ],
    ids=["stage", "needs", "run"],
)
def test_what_cannot_be_debugged_is_refused(
    laptop: Laptop, words: list[str], code: int, message: str
) -> None:
    """By name, before anything starts."""
    laptop.write("pipeline.yaml", FAILING)
    laptop.commit()
    laptop.pipeline("run", code=4)

    assert message in laptop.pipeline("debug", *words, code=code)
    assert not list(laptop.run_folder().glob("attempts/*.debug"))


def test_an_input_that_was_changed_is_refused(chain: Laptop) -> None:
    """What would be debugged is not what ran."""
    chain.pipeline("run")
    path = chain.run_folder() / "tree" / "artifacts" / "two" / "two.txt"
    path.write_text("something else\n")

    said = chain.pipeline("debug", "three", code=6)

    assert "input 'two/two.txt' is not what run" in said


def test_only_a_stage_that_runs_now_is_refused(laptop: Laptop) -> None:
    """The others of a running run may be debugged, which goes on meanwhile."""
    text = FAILING.replace("exit 3", "sleep 600")
    laptop.write("pipeline.yaml", text)
    laptop.commit()
    laptop.pipeline("run", "--detach")
    laptop.pipeline("logs", "--run", laptop.run_id, code=None)
    laptop.wait_for_runner(lives=True)
    wait = laptop.run_folder() / "attempts" / "two.1" / "out" / "half.txt"
    wait_until(wait.exists, "stage two is at work")

    assert "is running now" in laptop.pipeline("debug", "two", code=6)
    assert "ended in 0" in laptop.pipeline("debug", "one")
    laptop.wait_for_runner(lives=True)
    laptop.pipeline("stop")
    laptop.wait_for_runner(lives=False)


def test_what_a_debugged_stage_leaves_is_ended(laptop: Laptop) -> None:
    """A daemon that it started does not live on."""
    text = FAILING.replace("exit 3", "setsid sleep 600 & echo $! > $OUT/pid; exit 3")
    laptop.write("pipeline.yaml", text)
    laptop.commit()
    laptop.pipeline("run", code=4)

    laptop.pipeline("debug", "two", code=3)

    assert not lives(laptop.run_folder() / "attempts" / "two.debug" / "out" / "pid")


@pytest.mark.lab
@pytest.mark.timeout(120)
def test_over_ssh_it_is_the_same(remote: Remote, box: Host, lab: Lab) -> None:
    """A breakpoint on a box is at the terminal here."""
    remote.write("stages/three.py", STOPPING)
    remote.on(box, lab, CHAIN)
    remote.pipeline("run", "--host", "gpu", code=4)

    terminal = Terminal(remote, "debug", "three")
    terminal.see("(Pdb)")
    terminal.type("import socket; socket.gethostname()")
    terminal.see(box.name)
    terminal.type("c")
    terminal.see("nothing was sealed")

    assert terminal.end() == 0
