"""`pipeline shell` puts a person where a run's stages run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.afar import Remote
from tests.attended import Terminal
from tests.laptop import CHAIN, Laptop

if TYPE_CHECKING:
    from tests.lab import Host, Lab

ODD = 'it\'s a "test" of $HOME, `id`, \\ and *\nin two lines'
SHOW = "import sys; print(sys.argv[1:])"


@pytest.fixture
def ran(chain: Laptop) -> Laptop:
    """A laptop with a run that is done."""
    chain.pipeline("run")
    return chain


def test_a_command_runs_in_the_run_s_worktree(ran: Laptop) -> None:
    """With the environment first on PATH and the run's name, as a stage has it."""
    show = 'pwd; echo "$PIPELINE_RUN"; command -v python; echo "$PYTHONHASHSEED"'

    said = ran.pipeline("shell", "latest", "sh", "-c", show)

    python = Path(sys.executable).parent / "python"
    assert said.split() == [
        str(ran.run_folder() / "tree"),
        ran.run_id,
        str(python),
        "0",
    ]


def test_it_opens_where_pipeline_yaml_lies(laptop: Laptop) -> None:
    """Paths are meant from there, as in pipeline.yaml itself."""
    one = CHAIN.partition("  two:")[0]
    laptop.write("deep/er/pipeline.yaml", one)
    laptop.commit()
    laptop.repo /= "deep/er"
    laptop.pipeline("run")

    said = laptop.pipeline("shell", "latest", "cat", "artifacts/one/one.txt")

    assert said == "one\n"


def test_each_word_arrives_as_it_is(ran: Laptop) -> None:
    """No shell reads the command."""
    said = ran.pipeline("shell", ran.run_id, "python", "-c", SHOW, ODD, "", "--json")

    assert said.strip() == repr([ODD, "", "--json"])


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["true"], 0),
        (["--", "sh", "-c", "exit 7"], 7),
        (["sh", "-c", "exit 255"], 254),
        (["sh", "-c", "kill -9 $$"], 137),
        (["no-such-program"], 127),
        (["./pipeline.yaml"], 126),
    ],
    ids=["well", "failing", "255", "killed", "missing", "no program"],
)
def test_the_exit_code_is_the_command_s(
    ran: Laptop, words: list[str], code: int
) -> None:
    """All but 255, which would mean a broken link."""
    said = ran.pipeline("shell", "latest", *words, code=code)

    assert "Traceback" not in said


def test_a_host_stands_for_its_newest_run(ran: Laptop) -> None:
    """`local` is this machine."""
    ran.pipeline("run", "--set", "seed=4")

    said = ran.pipeline("shell", "local", "sh", "-c", "echo $PIPELINE_RUN")

    assert said.strip() == ran.run_id


def test_a_shell_keeps_the_environment_first(ran: Laptop) -> None:
    """Whatever the user's own start file puts before it on PATH."""
    python = Path(sys.executable).parent / "python"
    (ran.home / ".bashrc").write_text("PATH=/usr/bin:$PATH\nhello=mine\n")
    terminal = Terminal(ran, "shell", SHELL="/bin/bash")

    terminal.see("`exit` leaves")
    terminal.type('echo "[$(command -v python)]" "<$hello>"; exit 5')
    terminal.see(f"[{python}] <mine>")

    assert terminal.end() == 5


def test_interrupting_a_command_is_for_the_command(ran: Laptop) -> None:
    """^C ends what runs there, and its word is the last."""
    script = "trap 'echo caught; exit 9' INT; echo ready; while :; do sleep 0.1; done"
    terminal = Terminal(ran, "shell", "latest", "sh", "-c", script)

    terminal.see("ready")
    terminal.type("\x03")
    terminal.see("caught")

    assert terminal.end() == 9


def test_what_cannot_be_opened_is_said(ran: Laptop) -> None:
    """A name nothing has, a host without a run, a run that is gone from its host."""
    said = ran.pipeline("shell", "nowhere", "true", code=2)
    assert said.startswith("no run is called 'nowhere'")

    with (ran.repo / "pipeline.yaml").open("a") as file:
        file.write("hosts: {gpu: {ssh: gpu-box}}\n")
    said = ran.pipeline("shell", "gpu", "true", code=2)
    assert said == (
        "no run is known on host 'gpu'\n  start one with: pipeline run --host gpu\n"
    )

    folder = ran.run_folder()
    folder.rename(folder.parent / "moved")
    said = ran.pipeline("shell", "latest", "true", code=6)
    assert said.startswith(f"host 'local': run '{ran.run_id}' is not on this box")


@pytest.mark.lab
@pytest.mark.timeout(120)
def test_over_ssh_it_is_the_same(remote: Remote, box: Host, lab: Lab) -> None:
    """Words arrive as they are, codes come back, and a terminal is one."""
    remote.on(box, lab, CHAIN)
    remote.pipeline("run", "--host", "gpu")

    said = remote.pipeline("shell", "gpu", "python3", "-c", SHOW, ODD, "")
    assert said.strip() == repr([ODD, ""])
    remote.pipeline("shell", "gpu", "sh", "-c", "exit 255", code=254)

    terminal = Terminal(remote, "shell", "gpu")
    terminal.see("`exit` leaves")
    terminal.type("tty && hostname && exit 6")
    terminal.see("/dev/pts/")
    terminal.see(box.name)
    assert terminal.end() == 6


@pytest.mark.lab
@pytest.mark.timeout(120)
def test_a_broken_link_is_no_end_of_the_command(
    remote: Remote, box: Host, lab: Lab
) -> None:
    """It is said as such, and the run is not affected."""
    remote.on(box, lab, CHAIN)
    remote.pipeline("run", "--host", "gpu")
    terminal = Terminal(remote, "shell", "gpu", "sh", "-c", "echo ready; sleep 60")

    terminal.see("ready")
    box.power_off()
    terminal.see("host 'gpu': the connection broke")
    terminal.see("the run itself is not affected")

    assert terminal.end() == 5
