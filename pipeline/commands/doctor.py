"""Say what a run on a host would need, what was found there, and what to type.

One connection and one question: name, keys and host key as ssh itself sees them; then
the box's shell, git, Python, rsync, locale, clock, disk, memory, GPUs and the CUDA that
they know, systemd, other runs. Nothing is put there. Without --host, this machine.

A host key that is not known yet is shown, with its fingerprint, and accepted by a
person at the terminal or by --accept-host-key; one that changed is refused. HOST may
also be what ssh calls a box, where there is no pipeline.yaml.

Where something fails the code is 6, or 5 where the network does. A warning is no
failure.

Examples:
  pipeline doctor
  pipeline doctor --host ec2
  pipeline doctor --host ubuntu@203.0.113.7 --accept-host-key SHA256:...
  pipeline doctor --host ec2 --json | jq '.findings[] | select(.level != "ok")'
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.commands.document import put
from pipeline.errors import SpecError

if TYPE_CHECKING:
    from argparse import Namespace

    from pipeline.layout import LaptopPaths
    from pipeline.schema import Host, Pipeline
    from remote.doctor.examine import Examination
    from remote.doctor.tools import Wanted


def do(args: Namespace, paths: LaptopPaths) -> int:
    """Examine one place; give the code of the worst that was found."""
    from remote import hosts
    from remote.doctor.examine import examine, examine_here

    pipeline = _pipeline(paths, args.host)
    if args.host in (None, "local"):
        examined = examine_here(_wanted(pipeline, None, paths))
    else:
        host = _host(pipeline, args.host, paths)
        wanted = _wanted(pipeline, host, paths)
        examined = examine(hosts.openssh_to(host), wanted)
    _show(examined, args)
    return examined.code


def _pipeline(paths: LaptopPaths, host: str | None) -> Pipeline | None:
    """Read pipeline.yaml; this machine can be examined without."""
    from pipeline.reading import spec

    if not paths.pipeline_file.is_file():
        return None
    try:
        return spec.load(paths.pipeline_file)
    except SpecError:
        if host not in (None, "local"):
            raise
        print("note: pipeline.yaml has mistakes: pipeline check", file=sys.stderr)
        return None


def _host(pipeline: Pipeline | None, name: str, paths: LaptopPaths) -> Host:
    """Find the host; where no pipeline.yaml is, the name is for ssh."""
    from pipeline.commands.known import host_named
    from pipeline.schema import Host

    if pipeline is None:
        return Host(name=name, ssh=name)
    host = host_named(pipeline, name, paths)
    assert host is not None, "local was examined already"
    return host


def _wanted(pipeline: Pipeline | None, host: Host | None, paths: LaptopPaths) -> Wanted:
    """Say what the pipeline wants of the place."""
    from pipeline.schema import Env
    from remote.doctor.lock import torch_in
    from remote.doctor.tools import Wanted
    from remote.far import from_home

    python = host.python or "python3" if host else sys.executable
    env = host.env if host and host.env.kind else pipeline.env if pipeline else Env()
    if env.python:
        # A path here begins where pipeline.yaml lies; a box's commands, in the home.
        name = from_home(env.python) if host else _from_root(env.python, paths)
        env = replace(env, python=name)
    stages = pipeline.stages if pipeline else ()
    most = max(stages, key=lambda stage: stage.gpus, default=None)
    lock = paths.root / env.lock
    text = lock.read_text(errors="replace") if env.lock and lock.is_file() else ""
    torch = torch_in(text)
    return Wanted(
        host=host.name if host else "",
        python=from_home(python),
        env=env,
        gpus=most.gpus if most else 0,
        on_gpu=most.name if most else "",
        torch=torch.version if torch else "",
        torch_cuda=torch.cuda if torch else "",
    )


def _from_root(python: str, paths: LaptopPaths) -> str:
    path = Path(python).expanduser()
    return str(paths.root / path) if "/" in python else python


def _show(examined: Examination, args: Namespace) -> None:
    name = args.host or "local"
    if args.json:
        findings = [
            {
                "level": one.level,
                "what": one.what,
                "found": one.found,
                "wanted": one.wanted or None,
                "todo": one.todo or None,
            }
            for one in examined.findings
        ]
        document = {
            "host": name,
            "is_fit": examined.code == 0,
            "round_trip_s": examined.round_trip_s,
            "clock_skew_s": examined.skew_s,
            "findings": findings,
        }
        put(document)
        return
    from pipeline.views.findings import table

    print(table(name, examined.findings, sys.stdout), end="")
