"""Completion in the real shells: what is offered at the press of Tab, and how soon."""

from __future__ import annotations

import re
import resource
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.views.glance import names

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.laptop import Laptop

RUNS = ("20261120-1710-a3f9", "20261121-0900-b001")
FILE = """\
name: x
hosts:
  ec2: {ssh: box}
  eu-west: {ssh: other}
stages:
  train: {sh: "true"}
  train.big: {sh: "true"}
  end:
    sh: |
      notakey: here
"""


def equip(laptop: Laptop) -> None:
    """Put a pipeline, two runs and the command itself where a shell finds them."""
    laptop.write("pipeline.yaml", FILE)
    for run in RUNS:
        laptop.write(f".pipeline/runs/{run}.json", "{}")
    command = laptop.home / "bin" / "pipeline"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pipeline "$@"\n')
    command.chmod(0o755)
    laptop.env["PATH"] = f"{command.parent}:{laptop.env['PATH']}"


def shell(laptop: Laptop, *argv: str, script: str = "") -> str:
    """Run a shell to its end; it says nothing on stderr."""
    done = subprocess.run(
        argv,
        input=script,
        cwd=laptop.repo,
        env={**laptop.env, "TERM": "xterm", "XDG_CONFIG_HOME": str(laptop.home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.stderr == ""
    return done.stdout


def in_bash(laptop: Laptop, line: str) -> list[str]:
    """Complete a line as bash would: its words, split at spaces and at `=`."""
    words = line.replace("=", " = ").split(" ")
    quoted = " ".join(f"'{word}'" for word in words if word or word is words[-1])
    script = f"""
        source <(pipeline completion bash)
        complete -p pipeline >/dev/null || exit 1
        COMP_WORDS=({quoted}); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
        _pipeline
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    return shell(laptop, "bash", "--norc", "-c", script).split()


def in_fish(laptop: Laptop, line: str) -> list[str]:
    """Ask fish itself."""
    script = f"pipeline completion fish | source; complete -C '{line}'"
    lines = shell(laptop, "fish", "--no-config", "-c", script).splitlines()
    return [offered.partition("\t")[0] for offered in lines]


# The widget tells when it has listed, so that nobody waits by the clock.
ZSH = r"""
zmodload zsh/zpty
zpty inner zsh -f -i
zpty -w inner "PS1=; autoload -Uz compinit; compinit -u; stty columns 200; LISTMAX=0"
zpty -w inner "source <(pipeline completion zsh)"
zpty -w inner 'tab() { zle list-choices; zle -R; print -n LIS""TED }'
zpty -w inner "zle -N tab; bindkey '^I' tab; print REA''DY"
zpty -r inner seen '*READY*'
zpty -w -n inner $'LINE\t'
zpty -r inner seen '*LISTED*'
print -r -- "$seen"
zpty -d inner
"""


def in_zsh(laptop: Laptop, line: str) -> list[str]:
    """Press Tab in a real zsh on a terminal of its own; give all the words it shows."""
    seen = shell(laptop, "zsh", "-f", script=ZSH.replace("LINE", line))
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\x08", " ", seen).split()


# what stands on the line, what is offered, and what is not
OFFERS: dict[str, tuple[str, set[str], set[str]]] = {
    "a verb": ("pipeline r", {"run", "runs", "resume"}, {"stop", "candidates"}),
    "the first word": ("pipeline --", {"--help", "--version"}, {"run"}),
    "all options": ("pipeline run --", {"--host", "--help"}, {"run"}),
    "an option's option": ("pipeline run --force --fr", {"--from"}, {"train"}),
    "a command's words": ("pipeline shell x ls --", set(), {"--file", "--help"}),
    "an option": ("pipeline run --d", {"--detach"}, {"--host"}),
    "a host": ("pipeline run --host e", {"ec2", "eu-west"}, {"local", "train"}),
    "a stage": ("pipeline graph t", {"train", "train.big"}, {"end", "notakey"}),
    "a run": ("pipeline attach 2026112", set(RUNS), {"latest", "train"}),
    "a run or a stage": ("pipeline pull ", {"latest", "end", *RUNS}, {"ec2"}),
    "another stage": (f"pipeline pull {RUNS[0]} e", {"end"}, {"latest"}),
    "a run by its option": ("pipeline logs end --run l", {"latest"}, {"train"}),
    "a file": ("pipeline check --file pipe", {"pipeline.yaml"}, {"train"}),
    "a shell": ("pipeline completion z", {"zsh"}, {"bash"}),
    "a verb to read of": ("pipeline help gr", {"graph"}, {"run"}),
}


@pytest.mark.parametrize("complete", [in_bash, in_fish])
@pytest.mark.parametrize(("line", "offered", "withheld"), OFFERS.values(), ids=OFFERS)
def test_what_a_shell_offers(
    laptop: Laptop,
    complete: Callable[[Laptop, str], list[str]],
    line: str,
    offered: set[str],
    withheld: set[str],
) -> None:
    """Each row: a line with the cursor at its end, and what may come there."""
    equip(laptop)

    found = set(complete(laptop, line))

    assert offered <= found
    assert not withheld & found


@pytest.mark.parametrize("row", ["a verb", "a host", "a stage", "a file"])
def test_what_zsh_offers_on_a_terminal(laptop: Laptop, row: str) -> None:
    """The words are listed below the line, as Tab does."""
    equip(laptop)
    line, offered, withheld = OFFERS[row]

    found = set(in_zsh(laptop, line))

    assert offered <= found
    assert not withheld & found


def test_a_value_after_the_equals_sign(laptop: Laptop) -> None:
    """To bash the value is a word of its own, to fish a part of the option."""
    equip(laptop)

    assert in_bash(laptop, "pipeline run --host=ec") == ["ec2"]
    assert in_bash(laptop, "pipeline run --host=") == ["local", "ec2", "eu-west"]
    assert in_fish(laptop, "pipeline run --host=ec") == ["--host=ec2"]


@pytest.mark.parametrize("complete", [in_bash, in_fish])
def test_nowhere_and_nonsense_offer_nothing_and_say_nothing(
    laptop: Laptop, complete: Callable[[Laptop, str], list[str]]
) -> None:
    """No pipeline.yaml, no such verb, a file that is no text: not one word."""
    equip(laptop)
    (laptop.repo / "pipeline.yaml").unlink()

    assert complete(laptop, "pipeline graph t") == []
    assert complete(laptop, "pipeline dance ") == []

    (laptop.repo / "pipeline.yaml").write_bytes(b"\xff\xfestages:\x00\n  \xe9: {")
    assert complete(laptop, "pipeline graph t") == []


def test_another_file_and_a_folder_below(laptop: Laptop) -> None:
    """What counts for the command counts for its completion."""
    equip(laptop)
    laptop.write("other/pipeline.yaml", "stages:\n  elsewhere: {}\n")
    laptop.write("deep/er/x", "")

    assert in_bash(laptop, "pipeline graph --file other el") == ["elsewhere"]
    laptop.repo = laptop.repo / "deep" / "er"
    assert in_bash(laptop, "pipeline graph en") == ["end"]


def test_an_option_is_offered_once(laptop: Laptop) -> None:
    """But for one that may be given again."""
    equip(laptop)

    found = in_bash(laptop, "pipeline run --detach --set a=1 --")

    assert "--set" in found
    assert "--detach" not in found


def test_it_comes_at_once(laptop: Laptop) -> None:
    """At each press of a key: in 0.1 s, yaml and ssh are not even imported."""
    equip(laptop)
    command = [sys.executable, "-X", "importtime", "-m", "pipeline"]
    times = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [*command, "candidates", "fish", "graph", "t"],
            cwd=laptop.repo,
            env=laptop.env,
            capture_output=True,
            text=True,
            check=True,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        times.append(spent)

    assert done.stdout == "train\ta stage\ntrain.big\ta stage\n"
    assert not {"yaml", "rich", "remote"} & {
        line.rpartition("|")[2].strip() for line in done.stderr.splitlines()
    }
    assert min(times) < 0.15  # seconds of a processor: some 0.06, and less without -X


# what stands in the file, and the stages seen in it
GLANCES: dict[str, tuple[str, list[str]]] = {
    "a block": ("stages:\n  a: {}\n  b-c.d:\n    sh: x\n", ["a", "b-c.d"]),
    "in braces": ("stages: {a: {sh: x}, b: {}}\n", ["a", "b"]),
    "quoted": ('"stages":\n    \'a\': {}\n    "b": {}\n', ["a", "b"]),
    "half written": ("stages:\n  a: {sh: [\n  b", ["a"]),
    "comments": ("# stages:\nstages: # here\n# x: y\n  a: {}\n\n  # b: {}\n", ["a"]),
    "the next section": ("stages:\n  a: {}\nhosts:\n  b: {}\n", ["a"]),
    "a command of many lines": ("stages:\n  a:\n    sh: |\n      b: c\n", ["a"]),
    "names that are none": ("stages:\n  ../x: {}\n  $(rm): {}\n  a: {}\n", ["a"]),
    "windows": ("stages:\r\n  a: {}\r\n  b: {}\r\n", ["a", "b"]),
    "nothing": ("", []),
}


@pytest.mark.parametrize(("text", "found"), GLANCES.values(), ids=GLANCES)
def test_the_names_seen_at_a_glance(text: str, found: list[str]) -> None:
    """Each row: a file, however unfinished, and its stages."""
    assert names(text, "stages") == found


def test_a_script_is_for_a_shell_that_is_known(laptop: Laptop) -> None:
    """And needs no pipeline.yaml, for it stands in the settings of a shell."""
    for name in ("bash", "zsh", "fish"):
        script = laptop.pipeline("completion", name)
        checked = [name, "--no-execute" if name == "fish" else "-n"]
        shell(laptop, *checked, script=script)

    assert "invalid choice: 'tcsh'" in laptop.pipeline("completion", "tcsh", code=2)


def test_the_macs_old_bash_could_read_it() -> None:
    """3.2 knows no mapfile; without compopt, files are offered all the same."""
    source = Path(__file__).parent.parent / "pipeline" / "commands" / "completion.py"
    text = source.read_text()

    assert "mapfile" not in text.partition('_BASH = r"""')[2].partition('"""')[0]
    assert "compopt -o filenames 2>/dev/null" in text
