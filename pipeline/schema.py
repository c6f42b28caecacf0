"""What a pipeline.yaml says, as frozen values; and the resolved form a box runs from.

`spec` makes these from YAML on the laptop. The box reads them from plan.json, and knows
no YAML. Durations are seconds, sizes are bytes, names are checked already.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from pipeline import codec
from pipeline.errors import HostError
from pipeline.frozen import dataclass
from pipeline.gate import Gate

PLAN_FORMAT = 2
_NEWER = """\
upgrade pipeline on this machine, and ask again; the run itself is not affected
to stop it, this version will do: pipeline stop"""
LinkKind = Literal["openssh", "lasting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A file of another stage (`stage/file`), or a data set (`data:name`)."""

    stage: str = ""
    file: str = ""
    data: str = ""

    def __str__(self) -> str:
        """Write it as the user did."""
        return f"data:{self.data}" if self.data else f"{self.stage}/{self.file}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A named step: a module (`run`) or a shell command (`sh`), and what it touches."""

    name: str
    run: str = ""
    sh: str = ""
    after: tuple[str, ...] = ()
    inputs: tuple[Input, ...] = ()
    outputs: tuple[str, ...] = ()
    collect: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    gates: tuple[Gate, ...] = ()
    commit: str = ""
    timeout_s: float | None = None
    retries: int = 0
    cpus: int = 1
    gpus: int = 0
    secrets: tuple[str, ...] = ()  # the names of those it gets, whoever named them
    on_failure: Literal["stop", "continue"] = "stop"

    @property
    def needs(self) -> tuple[str, ...]:
        """The stages that must be sealed first, each once, in the order written."""
        named = [ref.stage for ref in self.inputs if ref.stage]
        return tuple(dict.fromkeys([*self.after, *named]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Env:
    """How the stages' Python is had; at most one of the four is said."""

    python: str = ""
    lock: str = ""
    conda: str = ""
    setup: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """Which of the four was said, or nothing."""
        said = {"python": self.python, "lock": self.lock, "conda": self.conda}
        return next((k for k, v in said.items() if v), "setup" if self.setup else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A box behind SSH: an alias or user@address:port, and what it has.

    link: the OpenSSH client's shared connection, or fabric's lasting one, which
    is quicker for many small calls to a box that is near.
    """

    name: str
    ssh: str
    config: str = ""
    link: LinkKind = "openssh"
    python: str = ""
    env: Env = Env()


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """A data set outside git: its place in the repository, and its home per host.

    is_optional: a host that has it not does without; stages see that it is absent.
    """

    name: str
    path: str
    hosts: Mapping[str, str] = field(default_factory=dict)
    by: Literal["content", "stat", "version"] = "content"
    version: str = ""
    is_optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GitRules:
    """How runs are kept in git."""

    branch: str = "run/{run}"
    max_file: int = 2_000_000
    push: bool = False
    push_dirty: bool = False
    push_to: str = "origin"
    push_from: Literal["laptop", "box"] = "laptop"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipRules:
    """What may travel to a box."""

    max_size: int = 200_000_000
    allow: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRules:
    """What of the results comes home, and how often at most."""

    every_s: float = 60.0
    include: tuple[str, ...] = (
        *("*.json", "*.txt", "*.png", "*.svg", "*.md", "*.html", "*.log", "*.csv"),
    )
    max_file: int = 20_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatRules:
    """How often a run breathes, and when silence means something."""

    every_s: float = 30.0
    stale_after_s: float = 120.0
    stalled_after_s: float = 1800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyRules:
    """How a run is heard of by who does not watch it; see `notify` and `notices`."""

    command: str = ""
    bell: bool = True
    desktop: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """The whole of a pipeline.yaml."""

    name: str
    stages: tuple[Stage, ...]
    params: Mapping[str, Any] = field(default_factory=dict)
    jobs: int = 1
    revive: int | None = None  # not said: see `revival`
    env: Env = Env()
    git: GitRules = GitRules()
    ship: ShipRules = ShipRules()
    sync: SyncRules = SyncRules()
    heartbeat: HeartbeatRules = HeartbeatRules()
    notify: NotifyRules = NotifyRules()
    hosts: tuple[Host, ...] = ()
    data: tuple[Data, ...] = ()

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of all secrets that a stage of it gets, each once."""
        return tuple(dict.fromkeys(n for stage in self.stages for n in stage.secrets))

    def stage(self, name: str) -> Stage:
        """Give the stage called `name`."""
        return next(stage for stage in self.stages if stage.name == name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """What of a snapshot counts as a stage's code (see `scope`), and its hash.

    files: path -> mode and name of the object; nothing where the rule is `all`.
    needs: the modules of others that it cannot do without.
    """

    rule: Literal["imports", "named", "all"]
    digest: str
    files: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """plan.json: one Pipeline at one Snapshot, for one Host; all a runner knows.

    `prefix` is where pipeline.yaml lies in the repository; `env` says how the stages'
    Python is had there; `data` maps a data set's name to its home on that box. `codes`
    are the codes of all stages by their digests, `code` says which is whose. Stages of
    `force` are executed whatever was sealed before, those of `settled` never are.
    queue: the run waits behind those that are on the box (see `turn`). push_url: where
    the box publishes the run's branch, if it is the box that does. asked: the options
    it was started with, for who wants to do it again.
    """

    run: str
    project: str
    host: str
    snapshot: str
    branch: str
    pipeline: Pipeline
    prefix: str = "."
    env: Env = Env()
    is_dirty: bool = False
    codes: Mapping[str, Code] = field(default_factory=dict)
    code: Mapping[str, str] = field(default_factory=dict)
    force: tuple[str, ...] = ()
    settled: tuple[str, ...] = ()
    data: Mapping[str, str] = field(default_factory=dict)
    queue: bool = False
    push_url: str = ""
    asked: tuple[str, ...] = ()
    format: int = PLAN_FORMAT


def read_plan(text: str | bytes) -> Resolved:
    """Read plan.json, or refuse a format this version does not know."""
    plan = codec.loads(Resolved, text, what="plan.json")
    if plan.format > PLAN_FORMAT:
        found = f"plan.json has format {plan.format}, and this one knows {PLAN_FORMAT}"
        message = f"it was begun by a newer version of pipeline: {found}"
        raise HostError(message, hint=_NEWER)
    return plan
