"""What a pipeline.yaml means: the example of the design, and what it leaves out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import codec
from pipeline.errors import SpecError
from pipeline.gate import Gate
from pipeline.reading import spec
from pipeline.schema import (
    Data,
    Env,
    GitRules,
    HeartbeatRules,
    Host,
    Input,
    NotifyRules,
    Pipeline,
    ShipRules,
    Stage,
    SyncRules,
)

EXAMPLE = """\
name: vq-hdp-hsmm
params: {seed: 0}                          # `--set train.epochs=5` overrides
env: {lock: requirements.lock}
git: {branch: "run/{run}", max_file: 2MB, push: off}
ship: {max_size: 200MB, allow: []}
sync: {every: 60s, include: ["*.json", "*.txt", "*.png"], max_file: 20MB}
heartbeat: {every: 30s, stale_after: 120s, stalled_after: 30min}
notify: {command: "./tell-me.sh"}

hosts:
  ec2: {ssh: gpu-box, python: python3.11}

data:
  dogs: {path: data/dogs, ec2: ~/data/dogs, by: content}

stages:
  tdd_gate:
    run: stages.tdd_gate
    params: {tests: tests/models, target: models}
    commit: "TDD: {passed}/{total} green, {red} proven red"

  vq_selftest:
    run: stages.vq_selftest
    after: [tdd_gate]
    gates: [loss is finite, usage > 0]

  train:
    run: stages.train
    after: [vq_selftest]
    params: {epochs: 20, codes: 512, code_dim: 64}
    outputs: [model.pt]
    gates: [accuracy >= 0.80]
    timeout: 6h
    retries: 1
    gpus: 1

  codebook_analysis:
    run: stages.codebook_analysis
    inputs: [train/model.pt, "data:dogs"]
    on_failure: continue

  baseline:
    sh: python train.py --seed {seed} --init {train/model.pt} --out $OUT
    collect: ["analysis/codebook_results/*"]
"""

MEANT = Pipeline(
    name="vq-hdp-hsmm",
    params={"seed": 0},
    env=Env(lock="requirements.lock"),
    git=GitRules(branch="run/{run}", max_file=2_000_000, push=False),
    ship=ShipRules(max_size=200_000_000, allow=()),
    sync=SyncRules(
        every_s=60.0, include=("*.json", "*.txt", "*.png"), max_file=20_000_000
    ),
    heartbeat=HeartbeatRules(every_s=30.0, stale_after_s=120.0, stalled_after_s=1800.0),
    notify=NotifyRules(command="./tell-me.sh"),
    hosts=(Host(name="ec2", ssh="gpu-box", python="python3.11"),),
    data=(Data(name="dogs", path="data/dogs", hosts={"ec2": "~/data/dogs"}),),
    stages=(
        Stage(
            name="tdd_gate",
            run="stages.tdd_gate",
            params={"tests": "tests/models", "target": "models"},
            commit="TDD: {passed}/{total} green, {red} proven red",
        ),
        Stage(
            name="vq_selftest",
            run="stages.vq_selftest",
            after=("tdd_gate",),
            gates=(
                Gate(metric="loss", op="is finite"),
                Gate(metric="usage", op=">", limit=0.0),
            ),
        ),
        Stage(
            name="train",
            run="stages.train",
            after=("vq_selftest",),
            params={"epochs": 20, "codes": 512, "code_dim": 64},
            outputs=("model.pt",),
            gates=(Gate(metric="accuracy", op=">=", limit=0.8),),
            timeout_s=21600.0,
            retries=1,
            gpus=1,
        ),
        Stage(
            name="codebook_analysis",
            run="stages.codebook_analysis",
            inputs=(Input(stage="train", file="model.pt"), Input(data="dogs")),
            on_failure="continue",
        ),
        Stage(
            name="baseline",
            sh="python train.py --seed {seed} --init {train/model.pt} --out $OUT",
            inputs=(Input(stage="train", file="model.pt"),),
            collect=("analysis/codebook_results/*",),
        ),
    ),
)


def parse(text: str, *overrides: str) -> Pipeline:
    """Parse `text` below a name and, unless it has its own, one stage `a`."""
    stages = "" if "stages:" in text else "stages: {a: {sh: x}}\n"
    return spec.parse(f"name: x\n{stages}{text}", overrides=overrides)


def params_of(text: str, *overrides: str) -> Any:
    """Give the params of the one stage that says `params: {text}`."""
    given_params = f"stages: {{a: {{sh: x, params: {{{text}}}}}}}"
    return parse(given_params, *overrides).stage("a").params


def test_the_example_of_the_design_means_what_it_says() -> None:
    """Every section of the example arrives, in its own units."""
    assert spec.parse(EXAMPLE) == MEANT


def test_a_pipeline_survives_the_way_to_the_box() -> None:
    """What plan.json holds is what was parsed."""
    parsed = spec.parse(EXAMPLE, overrides=["train.opt={lr: [1e-4, null, on]}"])

    assert codec.loads(Pipeline, codec.dumps(parsed), what="plan") == parsed


def test_carriage_returns_and_a_byte_order_mark_do_not_matter() -> None:
    """A file from another system means the same."""
    foreign = b"\xef\xbb\xbf" + EXAMPLE.replace("\n", "\r\n").encode()

    assert spec.parse(foreign) == MEANT


WITHOUT_C = """\
import sys, yaml
del yaml.CSafeLoader
from pipeline import codec
from pipeline.reading import spec
print(codec.dumps(spec.parse(sys.stdin.buffer.read())))
"""


def test_the_slow_parser_reads_the_same() -> None:
    """PyYAML may have been built without its C half."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_C],
        input=EXAMPLE.encode(),
        capture_output=True,
        check=True,
        cwd=Path(__file__).parent.parent,
    )

    assert codec.loads(Pipeline, done.stdout, what="plan") == MEANT


def test_a_file_is_read_from_the_disk(tmp_path: Path) -> None:
    """`load` parses what the file holds."""
    path = tmp_path / "pipeline.yaml"
    path.write_text(EXAMPLE)

    assert spec.load(path) == MEANT


def test_a_mistake_names_the_file_as_seen_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A click on the message opens the file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "two.yaml").write_text("- a")

    with pytest.raises(SpecError, match=r"^two\.yaml:1:1: a pipeline should be"):
        spec.load(tmp_path / "two.yaml")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """The system's own word for it is given."""
    with pytest.raises(SpecError, match=r"nope\.yaml: cannot be read: No such file"):
        spec.load(tmp_path / "nope.yaml")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1e-4", 1e-4),
        ("1.10", 1.1),
        (".5", 0.5),
        ("1_000", 1000),
        ("0x1F", 31),
        ("-3", -3),
        ("true", True),
        ("~", None),
        ("", None),
        ("no", "no"),
        ("on", "on"),
        ("12:30:00", "12:30:00"),
        ("2026-11-20", "2026-11-20"),
        ("2026-11-20T17:10:00Z", "2026-11-20T17:10:00Z"),
        ("20261120_1710", "20261120_1710"),
        ("0123", "0123"),
        ("1.2.3", "1.2.3"),
        ("'5'", "5"),
        ("!!str 5", "5"),
        ("nan", "nan"),
        ("9" * 300, "9" * 300),
        ("[1, [x]]", [1, ["x"]]),
        ("{1: a, on: b}", {"1": "a", "on": "b"}),
    ],
)
def test_a_param_is_what_anybody_would_take_it_for(written: str, value: object) -> None:
    """Numbers are numbers; switches, times, dates and names are the text written."""
    found = params_of(f"p: {written}")["p"]

    assert found == value
    assert type(found) is type(value)


def test_text_is_taken_as_written_where_text_is_wanted() -> None:
    """Python 3.10 is not Python 3.1."""
    parsed = parse(
        "env: {python: 3.10}\ndata: {d: {path: 1_0, by: version, version: 1.10}}"
    )

    assert parsed.env.python == "3.10"
    assert (parsed.data[0].path, parsed.data[0].version) == ("1_0", "1.10")


@pytest.mark.parametrize(
    ("text", "push", "push_dirty"),
    [
        ("off", False, False),
        ("on", True, False),
        ("false", False, False),
        ("{dirty: true}", True, True),
        ("{dirty: no}", True, False),
        ("", False, False),
    ],
)
def test_pushing_is_off_on_or_dirty(text: str, push: bool, push_dirty: bool) -> None:
    """Unfinished work is published only where that was said."""
    rules = parse(f"git: {{push: {text}}}").git

    assert (rules.push, rules.push_dirty) == (push, push_dirty)


def test_the_smaller_keys_arrive() -> None:
    """Each key that the example leaves out has its place."""
    parsed = parse(
        "$schema: x\nx-common: &c {cpus: 2, code: [lib]}\njobs: 3\n"
        "hosts: {b: {ssh: me@b:22, config: ssh.conf, env: {setup: [make]}}}\n"
        "data: {d: {path: d, local: /d, b: ~/d}}\n"
        "git: {branch: '{name}/{date}/{run}'}\n"
        "stages: {a: {<<: *c, sh: x, code: [src/]}}"
    )

    assert parsed.jobs == 3
    assert parsed.stages == (Stage(name="a", sh="x", cpus=2, code=("src/",)),)
    env = Env(setup=("make",))
    assert parsed.hosts == (Host(name="b", ssh="me@b:22", config="ssh.conf", env=env),)
    assert parsed.data == (Data(name="d", path="d", hosts={"local": "/d", "b": "~/d"}),)
    assert parsed.git.branch == "{name}/{date}/{run}"


def test_null_is_not_said() -> None:
    """A key whose value was commented out has its default."""
    empty = (
        "params:\nhosts:\nenv:\ngit:\njobs:\nstages: {a: {sh: x, timeout: , after: }}"
    )

    assert parse(empty) == Pipeline(name="x", stages=(Stage(name="a", sh="x"),))


@pytest.mark.parametrize(
    "ref",
    [
        "a/f.txt",
        "a/bundle/",
        "a/bundle",
        "a/bundle/x/m.json",
        "a/logs/1.txt",
        "a/t/u/v",
    ],
)
def test_an_input_may_be_an_output_or_below_one_or_collected(ref: str) -> None:
    """A folder gives all its files, and so does a pattern."""
    made = "outputs: [f.txt, bundle/], collect: ['logs/*.txt', t]"
    parsed = parse(f"stages: {{a: {{sh: x, {made}}}, b: {{sh: x, inputs: [{ref}]}}}}")

    assert [str(wanted) for wanted in parsed.stage("b").inputs] == [ref]


def test_what_a_command_names_is_an_input() -> None:
    """The edge is written once: in the command."""
    parsed = parse(
        "data: {d: {path: d}}\nstages:\n"
        "  a: {sh: x, outputs: [f, g]}\n"
        "  b: {sh: 'x {a/f} {data:d} {a/g}', inputs: [a/g]}\n"
    )

    assert [str(wanted) for wanted in parsed.stage("b").inputs] == [
        "a/g",
        "a/f",
        "data:d",
    ]
    assert parsed.stage("b").needs == ("a",)


@pytest.mark.parametrize(
    ("override", "params"),
    [
        ("a.n=5", {"n": 5, "opt": {"lr": 0.1}}),
        ("a.new=[1, x]", {"n": 1, "opt": {"lr": 0.1}, "new": [1, "x"]}),
        ("a.opt.lr=1e-3", {"n": 1, "opt": {"lr": 1e-3}}),
        ("a.n=", {"n": None, "opt": {"lr": 0.1}}),
        ("a.n=x=y", {"n": "x=y", "opt": {"lr": 0.1}}),
    ],
)
def test_an_override_changes_one_param(override: str, params: object) -> None:
    """The value is read as in the file."""
    assert params_of("n: 1, opt: {lr: 0.1}", override) == params


def test_overrides_reach_dotted_stages_and_global_params() -> None:
    """The longest stage name wins; the last of two overrides too."""
    text = "params: {k: 1}\nstages: {a: {sh: x}, a.b: {sh: x}}"

    parsed = parse(text, "a.b.n=1", "a.b.n=2", "k=3", "seed=4")

    assert parsed.params == {"k": 3, "seed": 4}
    assert [stage.params for stage in parsed.stages] == [{}, {"n": 2}]


def test_an_override_leaves_what_an_alias_shares() -> None:
    """Two stages with the same params do not change together."""
    text = "stages: {a: {sh: x, params: &p {o: {n: 1}}}, b: {sh: x, params: *p}}"

    parsed = parse(text, "a.o.n=2")

    assert [stage.params for stage in parsed.stages] == [
        {"o": {"n": 2}},
        {"o": {"n": 1}},
    ]


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.integers(-(10**18), 10**18)
        | st.text("ab0.:-#", max_size=6),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text("ab", max_size=3), inner, max_size=3)
        ),
    )
)
def test_json_is_read_as_it_is(value: object) -> None:
    """Whatever JSON can hold may stand in a pipeline as JSON writes it."""
    assert params_of(f"p: {json.dumps(value)}") == {"p": value}
