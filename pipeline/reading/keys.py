"""Every key of pipeline.yaml: what it takes, what it is when not said, what it means.

The one home of these sentences. The tables of docs/pipeline-yaml.md and the JSON Schema
for editors are made from them; tests hold both, and the parser, against this file.

A key is written `name: kind = default`, its meaning in Markdown below. The kinds are
those of `grammar`; a key in brackets has no name of its own: it is a host's.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Key(NamedTuple):
    """One key; `is_named` unless it stands for the names of hosts."""

    name: str
    kind: str
    default: str
    meaning: str
    is_named: bool = True

    @property
    def is_required(self) -> bool:
        """Tell whether the file is refused without it."""
        return self.default == "required"


Section = tuple[Key, ...]

_KEY = re.compile(
    r"^(?P<name>\w+|\[.*\]): (?P<kind>.*?)(?: = (?P<default>.*))?\n"
    r"(?P<meaning>(?:    .*\n)+)",
    re.MULTILINE,
)


def _section(text: str) -> Section:
    return tuple(
        Key(
            name=found["name"].strip("[]"),
            kind=found["kind"],
            default=found["default"] or "",
            meaning=" ".join(found["meaning"].split()),
            is_named=not found["name"].startswith("["),
        )
        for found in _KEY.finditer(text)
    )


TOP = _section("""\
name: name = required
    what the pipeline is called, in messages and in its folder on a box
stages: stages = required
    at least one stage; [below](#stages)
params: params = empty
    params all stages may use; [below](#params)
jobs: 1 to 9999 = 1
    how many stages run at the same time; `run --jobs N` overrides it
env: env = the runner's Python
    which Python the stages run in; [below](#env)
git: git
    how runs are kept in git; [below](#git)
ship: ship
    what may travel to a box; [below](#ship)
sync: sync
    what of the results comes home; [below](#sync)
heartbeat: heartbeat
    how often a run breathes; [below](#heartbeat)
notify: notify
    how a run is heard of by who does not watch it; [below](#notify)
revive: 0 to 9999 = 3, for a local run 0
    how many reboots of its box in a row, without a new seal in between, a run goes on
    after by itself; [below](#revive)
secrets: list of names = empty
    environment variables whose values travel to the stages and are kept nowhere;
    [below](#secrets)
hosts: hosts = empty
    boxes behind SSH; [below](#hosts)
data: data = empty
    data sets outside git; [below](#data)
""")

STAGE = _section("""\
run: dotted name
    the [module](#a-module-stage) that does the work. Either `run` or `sh`
sh: text
    the [shell command](#a-shell-stage) that does the work
after: list of stages = empty
    order without data: these must have passed first
inputs: list of inputs = empty
    `stage/file` of another stage, or `data:name`. The order follows from them
outputs: list of paths = empty
    files it must make; `folder/` for a folder with at least one file
collect: list of patterns = empty
    files a foreign script writes or changes elsewhere in its worktree: copied to its
    artifacts under their own paths. `*` crosses `/`; a pattern that names a folder
    takes all below it. No file may have two writers
params: params = empty
    [params](#params) of this stage, before those of the pipeline
gates: list of gates = empty
    rules over its metrics; [below](#gates)
commit: one line = see below
    subject of its seal: `{metric}` is filled in, with four digits; what has no such
    metric stays
timeout: duration = none
    then the stage is asked to end (TERM), and killed 10 s later; that is a failure
retries: 0 to 9999 = 0
    how many more tries after a failure. Each has a fresh output folder and the same
    `$CHECKPOINTS`. A failed gate is not tried again
cpus: 1 to 9999 = 1
    counted among the stages of a run; one that wants more than the box has runs alone
gpus: 0 to 9999 = 0
    taken by lock, shared with no other run of this user; named by
    `CUDA_VISIBLE_DEVICES`. A box that has fewer ends the run with 6 at its start
secrets: list of names = those of the pipeline
    the [secrets](#secrets) this stage gets, and no others; `[]` for none
on_failure: one of stop, continue = `stop`
    after a failure or a failed gate: start nothing more (what runs goes on to its
    end), or only leave out what depends on it
code: list of paths = empty
    what its code is, where that cannot be told: files and folders that a change of
    makes it run again; an empty list is the same as not said
""")

ENV = _section("""\
python: text = the runner's own
    the Python of the stages: a name on the host's `PATH`, an absolute path or one
    with `~/`; on this machine also a path from where `pipeline.yaml` lies
lock: path
    a lock file of packages, installed once per content
conda: text
    the name of a conda environment of the host
setup: list of commands
    commands that make the environment
""")

GIT = _section("""\
branch: branch = `run/{run}`
    the branch of a run; it holds `{run}`, and may hold `{name}` and `{date}`
max_file: size = 2MB
    larger files stay out of git: the seal holds their sha256, `pull` brings them
push: switch, name of a remote, or `{to, from, dirty}` = off
    push the run's branch when the run has ended: to `origin`, or to the remote that is
    named; `on` leaves out runs with uncommitted work, `{dirty: true}` pushes those too.
    `from: laptop` (as it stands) or `from: box`; [below](#publishing)
""")

SHIP = _section("""\
max_size: size = 200MB
    how much may be new since the last commit; more is refused, with the largest files
    named
allow: list of patterns = empty
    files that [look like secrets](#files-that-look-like-secrets) and may travel: by
    name, or by path from here or from the root of the repository
""")

SYNC = _section("""\
every: duration = 60s
    files are brought when something changed, and not more often than this; events,
    beats and logs come at once in any case
include: list of patterns = `*.json *.txt *.png *.svg *.md *.html *.log *.csv`
    names of files that are brought
max_file: size = 20MB
    larger ones stay on the box
""")

HEARTBEAT = _section("""\
every: duration = 30s
    how often `HEARTBEAT.txt` is written
stale_after: duration = 120s
    a beat older than this means *stalled*; longer than `every`
stalled_after: duration = 30min
    no tick, metric or line of a log for this long means *stalled*
""")

NOTIFY = _section("""\
command: text = none
    run by `sh -c` where it happened: on the host, in the folder of `pipeline.yaml` in
    the worktree; what only a watcher knows, here. For 60 s at most
bell: switch = on
    ring the bell of the terminal that watches, when the run ended or needs a look
desktop: switch = on
    show that on the desktop too, where there is one (`notify-send`, `osascript`)
""")

HOST = _section("""\
ssh: text = required
    an alias of `~/.ssh/config`, or `user@address:port`, or `user@[v6]:port`
config: text = ssh's own
    another ssh configuration file: absolute, with `~/`, or from here
link: one of openssh, lasting = `openssh`
    the OpenSSH client's shared connection, which the next command finds open; or one
    lasting fabric connection, quicker for many small calls to a box that is near
python: text = `python3`
    the Python of the runner there, 3.10 or newer; a path, `~/` too, or a name
env: env = that of the pipeline
    the environment of the stages there
""")

DATA = _section("""\
path: path = required
    its place in the repository
[a host's name, or `local`]: absolute or `~/` path
    its home there. For a local run `path` itself is the default; for a box it must be
    said
by: one of content, stat, version = `content`
    how a change is noticed: by what the files hold, by their sizes and times, or by
    `version` alone
version: text
    with `by: version`, and only then: the version there is
optional: switch = off
    a host that has it not does without; [below](#optional-data-sets)
""")

# By the headings of docs/pipeline-yaml.md.
SECTIONS = {
    "top": TOP,
    "stages": STAGE,
    "env": ENV,
    "git": GIT,
    "ship": SHIP,
    "sync": SYNC,
    "heartbeat": HEARTBEAT,
    "notify": NOTIFY,
    "hosts": HOST,
    "data": DATA,
}
# These hold names, and below each name their keys.
NAMED = frozenset({"stages", "hosts", "data"})
# What the tables call the kinds that have a section of their own.
_MAPPINGS = {"params": "mapping"} | {
    name: "mapping of names" if name in NAMED else "mapping" for name in SECTIONS
}


def table(section: Section) -> str:
    """Write a section as a table of Markdown."""
    rows = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for key in section:
        name = f"`{key.name}`" if key.is_named else key.name
        kind = _MAPPINGS.get(key.kind, key.kind)
        if kind.startswith("one of "):
            words = kind.removeprefix("one of ").split(", ")
            kind = ", ".join(f"`{word}`" for word in words)
        row = f"| {name} | {kind} | {key.default} | {key.meaning} |"
        rows.append(row.replace("|  |", "| |"))
    return "\n".join(rows) + "\n"
