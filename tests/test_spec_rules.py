"""Places, rules and overrides that cannot be meant."""

from __future__ import annotations

import pytest

from tests.refused import ONE, said

PLACES = [
    pytest.param(
        ONE + "git: {branch: runs}\n",
        "pipeline.yaml:3:15: 'branch' of 'git' should be a name that holds "
        "{run}, new for each run, found 'runs'",
        id="branch-without-run",
    ),
    pytest.param(
        ONE + "git: {branch: 'run/{run}/{user}'}\n",
        "pipeline.yaml:3:15: 'branch' of 'git' should be without {user}, found "
        "'run/{run}/{user}'\n"
        "  it may hold {run}, {name} and {date}",
        id="branch-words",
    ),
    pytest.param(
        ONE + "git: {branch: 'a b/{run}.lock'}\n",
        "pipeline.yaml:3:15: 'branch' of 'git' should be the name of a branch, "
        "found 'a b/{run}.lock'\n"
        "  it would be 'a b/20261120-1710-a3f9.lock'",
        id="branch-name",
    ),
    pytest.param(
        ONE + "git: {branch: 'ship/{run}'}\n",
        "pipeline.yaml:3:15: 'branch' of 'git' should be the name of a branch, "
        "found 'ship/{run}'\n"
        "  it would be 'ship/20261120-1710-a3f9'",
        id="branch-taken",
    ),
    pytest.param(
        ONE + "env: {lock: a.lock, conda: b}\n",
        "pipeline.yaml:3:6: 'env' should be of one kind, found 'lock' and 'conda'",
        id="env-kinds",
    ),
    pytest.param(
        ONE + "env: {lock: ../a.lock}\n",
        "pipeline.yaml:3:13: '../a.lock' in 'lock' of 'env' holds '..'",
        id="env-lock",
    ),
    pytest.param(
        ONE + "hosts:\n  b: {python: p}\n",
        "pipeline.yaml:4:3: host 'b' needs 'ssh', an alias or user@address:port",
        id="host-without-ssh",
    ),
    pytest.param(
        ONE + "hosts:\n  b: {ssh: -oProxyCommand=x}\n",
        "pipeline.yaml:4:12: 'ssh' of host 'b' should be an alias or "
        "user@address:port, found '-oProxyCommand=x'",
        id="host-option",
    ),
    pytest.param(
        ONE + "hosts:\n  local: {ssh: b}\n  path: {ssh: b}\n",
        "pipeline.yaml:4:3: host 'local' needs another name: 'local' is this "
        "machine\n"
        "pipeline.yaml:5:3: host 'path' needs another name: 'path' means "
        "something else in 'data'",
        id="host-local",
    ),
    pytest.param(
        ONE + "hosts:\n  b: gpu-box\n",
        "pipeline.yaml:4:6: host 'b' should be a mapping, found 'gpu-box'",
        id="host-text",
    ),
    pytest.param(
        ONE + "data:\n  d: {by: stat}\n",
        "pipeline.yaml:4:3: data 'd' needs 'path', its place in the repository",
        id="data-without-path",
    ),
    pytest.param(
        ONE + "hosts: {box: {ssh: b}}\ndata:\n  d: {path: d, bxo: /d, box: d}\n",
        "pipeline.yaml:5:16: unknown key 'bxo' in data 'd'\n"
        "  did you mean 'box'?\n"
        "pipeline.yaml:5:30: 'box' of data 'd' should be a path that begins "
        "with / or ~/, found 'd'",
        id="data-host",
    ),
    pytest.param(
        ONE + "data:\n  d: {path: d, by: version}\n  e: {path: e, version: 1}\n",
        "pipeline.yaml:4:3: data 'd' needs 'version' and 'by: version' together\n"
        "pipeline.yaml:5:25: data 'e' needs 'version' and 'by: version' together",
        id="data-version",
    ),
    pytest.param(
        ONE + "data:\n  d: {path: data/d}\n  e: {path: data/d/}\n",
        "pipeline.yaml:5:3: data 'e' lies at 'data/d/', as 'd' does",
        id="data-twice",
    ),
]

OVERRIDES = [
    pytest.param(
        ONE,
        ["a.n"],
        "--set 'a.n': should be name=value or stage.name=value",
        id="no-equals",
    ),
    pytest.param(
        ONE.replace("a:", "train:"),
        ["trian.n=1"],
        "--set 'trian.n=1': there is no stage 'trian'\n"
        "  did you mean 'train' (line 2)?",
        id="no-stage",
    ),
    pytest.param(
        "name: x\nparams: {scale: 1}\nstages: {a: {sh: x, params: {epochs: 1}}}\n",
        ["epochs=1", "scala=2", "zzz=1"],
        "--set 'epochs=1': the pipeline has no param 'epochs'\n"
        "  did you mean 'a.epochs' (line 3)?\n"
        "--set 'scala=2': the pipeline has no param 'scala'\n"
        "  did you mean 'scale' (line 2)?\n"
        "--set 'zzz=1': the pipeline has no param 'zzz'",
        id="no-global",
    ),
    pytest.param(
        ONE,
        [
            "a.n=[1",
            "a.n=*x",
            "a.n=#f",
            "a.n=k: v",
            "a.n=.inf",
            "a.=1",
            "=1",
            "a.n=\x00",
        ],
        "--set 'a.n=[1': is not YAML: did not find expected ',' or ']', while "
        "parsing a flow sequence\n"
        "--set 'a.n=*x': alias 'x' has no anchor above it\n"
        "--set 'a.n=#f': holds nothing but comments\n"
        "--set 'a.n=k: v': should give one word, or a list or mapping in brackets\n"
        "--set 'a.n=.inf': the value should be finite, found .inf\n"
        "--set 'a.=1': '' cannot be the name of a param\n"
        "--set '=1': the pipeline has no param ''\n"
        "--set 'a.n=\\x00': is not plain text: it holds the character U+0000",
        id="value",
    ),
    pytest.param(
        "name: x\nstages: {a: {sh: x, params: {n: 1}}}\n",
        ["a.n.m=1", "a.q.m=1"],
        "--set 'a.n.m=1': param 'n' of stage 'a' has no 'm'\n"
        "--set 'a.q.m=1': param 'q' of stage 'a' has no 'm'",
        id="no-mapping",
    ),
    pytest.param(
        ONE,
        ["seed=zero"],
        "--set 'seed=zero': param 'seed' should be a whole number from 0, found 'zero'",
        id="seed-set",
    ),
]

TOGETHER = [
    pytest.param(
        "jobs: 0\nstages:\n  a: {sh: x, gpu: 1}\n  b: {run: y, after: [c]}\n",
        ["q.n=1"],
        "pipeline.yaml:1:1: a pipeline needs 'name', a name for its folder on "
        "the box\n"
        "pipeline.yaml:1:7: 'jobs' should be a whole number from 1 to 9999, found 0\n"
        "pipeline.yaml:3:14: unknown key 'gpu' in stage 'a'\n"
        "  did you mean 'gpus'?\n"
        "pipeline.yaml:4:23: stage 'b' comes after 'c', which is no stage\n"
        "--set 'q.n=1': there is no stage 'q'",
        id="all",
    ),
]


@pytest.mark.parametrize(("text", "message"), PLACES)
def test_a_place_that_cannot_be_meant_is_refused(text: str, message: str) -> None:
    """Branches, environments, hosts and data, each in one sentence."""
    assert said(text) == message


@pytest.mark.parametrize(("text", "overrides", "message"), [*OVERRIDES, *TOGETHER])
def test_an_override_that_cannot_be_meant_is_refused(
    text: str, overrides: list[str], message: str
) -> None:
    """The override itself is the place; mistakes of the file come first."""
    assert said(text, *overrides) == message
