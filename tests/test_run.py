"""A run on this machine, from the command to the commits."""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.laptop import Laptop, wait_until

ALL = ["one", "two", "three"]


def test_a_run_seals_each_stage_once_and_in_order(chain: Laptop) -> None:
    """What a first user does: three stages, three commits, one story."""
    said = chain.pipeline("run")

    assert chain.seals() == ALL
    assert chain.story() == [
        "run_started",
        *("stage_started one", "stage_sealed one"),
        *("stage_started two", "stage_sealed two"),
        *("stage_started three", "stage_sealed three"),
        "run_ended",
    ]
    assert "done: 3 stages" in said


def test_inputs_params_and_outputs_are_what_the_yaml_says(chain: Laptop) -> None:
    """A value reaches a shell stage and a file the next stage."""
    chain.pipeline("run")

    made = chain.run_folder() / "tree" / "artifacts"
    assert (made / "two" / "two.txt").read_text() == "one\ntwo 3\n"
    assert (made / "three" / "three.txt").read_text() == "one\ntwo 3\n" * 2


def test_a_seal_holds_only_its_own_stage(chain: Laptop) -> None:
    """Seals of one run never conflict: each touches two folders and no more."""
    chain.pipeline("run")

    log = chain.git(
        *("log", "--format=%x00%(trailers:key=Stage,valueonly)", "--name-only"),
        f"run/{chain.run_id}",
        "^main",
    )
    for record in filter(str.strip, log.split("\0")):
        stage, *names = record.split()
        if stage in ALL:
            heads = {tuple(name.split("/")[:2]) for name in names}
            kinds = ("results", "artifacts")
            own = {(kind, stage) for kind in kinds}
            assert heads <= own | {(kind, ".gitattributes") for kind in kinds}


def test_a_seal_tells_all_by_its_trailers(chain: Laptop) -> None:
    """The ledger needs nothing but the commit."""
    chain.pipeline("run")

    body = chain.git(
        "log", "-1", "--format=%B", "--grep=Stage: one", f"run/{chain.run_id}"
    )
    lines = body.splitlines()
    assert lines[0] == "one: pass, x 1"
    keys = [line.partition(":")[0] for line in lines[2:]]
    assert keys == [
        *("Run", "Stage", "Attempt", "Fingerprint", "Verdict"),
        *("Duration", "Host", "Manifest", "Seal-Format"),
    ]


def test_two_runs_of_the_same_code_seal_the_same_trees(chain: Laptop) -> None:
    """No time of day, no run id, no path of a run's own is in what is sealed."""
    chain.pipeline("run")
    first = chain.trees()

    chain.pipeline("run")

    assert chain.trees() == first


def test_the_picture_can_be_watched_with_cat(chain: Laptop) -> None:
    """`watch cat results/latest/PROGRESS.txt` needs nothing of ours."""
    chain.pipeline("run")

    latest = chain.repo / "results" / "latest"
    lines = (latest / "PROGRESS.txt").read_text().splitlines()
    beat = dict(
        line.partition(": ")[::2]
        for line in (latest / "HEARTBEAT.txt").read_text().splitlines()
    )
    assert [line.split()[:2] for line in lines[3:6]] == [["[done]", s] for s in ALL]
    assert lines[1].startswith("done, 3 of 3 stages sealed")
    assert beat["run"] == chain.run_id
    assert {"beat", "time", "stage", "elapsed", "load", "memory", "disk"} <= set(beat)


@pytest.mark.parametrize(
    ("gate", "code", "word"),
    [("x >= 1", 0, "pass"), ("x > 1", 3, "fail"), ("y is finite", 3, "fail")],
)
def test_a_gate_is_judged_and_sealed(
    chain: Laptop, gate: str, code: int, word: str
) -> None:
    """A failed gate is sealed too, and what depends on it does not run."""
    text = (chain.repo / "pipeline.yaml").read_text()
    chain.write("pipeline.yaml", text.replace("x >= 1", gate))

    chain.pipeline("run", code=code)

    verdicts = chain.git(
        *("log", "--format=%(trailers:key=Verdict,valueonly)", "--reverse"),
        *(f"run/{chain.run_id}", "^main"),
    ).split()
    assert verdicts[0] == word
    assert chain.seals() == (ALL if code == 0 else ["one"])


def test_a_failed_stage_says_what_and_where(laptop: Laptop) -> None:
    """The message, the exit code and the log lead to the cause."""
    laptop.write("pipeline.yaml", "name: x\nstages:\n  a: {run: stages.a}\n")
    laptop.write("stages/__init__.py", "")
    laptop.write(
        "stages/a.py", "def run(params, ctx):\n    raise ValueError('no data')\n"
    )
    laptop.commit()

    said = laptop.pipeline("run", code=4)

    assert "ValueError: no data" in said
    assert 'File "' in (laptop.results / "a" / "stage.log").read_text()


def test_a_missing_output_fails_the_stage(laptop: Laptop) -> None:
    """A stage that ends well without what it promised did not end well."""
    text = "name: x\nstages:\n  a: {sh: touch $OUT/b.txt, outputs: [a.txt]}\n"
    laptop.write("pipeline.yaml", text)
    laptop.commit()

    said = laptop.pipeline("run", code=4)

    assert "stage 'a' did not make 'a.txt'" in said


def test_a_stage_is_tried_again_as_often_as_it_says(laptop: Laptop) -> None:
    """The third of three tries counts, and checkpoints outlive the first two."""
    text = (
        "name: x\nstages:\n  a:\n    retries: 2\n    outputs: [a]\n"
        "    sh: |\n"
        "      echo x >> $CHECKPOINTS/tries\n"
        "      test $(wc -l < $CHECKPOINTS/tries) -ge 3\n"
        "      cp $CHECKPOINTS/tries $OUT/a\n"
    )
    laptop.write("pipeline.yaml", text)
    laptop.commit()

    laptop.pipeline("run")

    assert laptop.story().count("attempt_failed a") == 2
    assert laptop.git("show", f"run/{laptop.run_id}:artifacts/a/a") == "x\nx\nx"


def test_a_stage_out_of_time_is_ended(laptop: Laptop) -> None:
    """A stage that ignores TERM is killed, with all it started."""
    text = (
        "name: x\nstages:\n  a:\n    timeout: 1s\n"
        "    sh: trap '' TERM; sleep 301 & sleep 302\n"
    )
    laptop.write("pipeline.yaml", text)
    laptop.commit()

    said = laptop.pipeline("run", code=4)

    assert "ran out of time" in said
    assert not processes_with("sleep 301")
    assert not processes_with("sleep 302")


def test_a_daemon_left_behind_is_swept(laptop: Laptop) -> None:
    """It holds nothing up and does not outlive its stage, in its own session or not."""
    text = "name: x\nstages:\n  a: {sh: setsid sleep 303 & sleep 0.3}\n"
    laptop.write("pipeline.yaml", text)
    laptop.commit()

    laptop.pipeline("run")

    assert not processes_with("sleep 303")


def is_gone(words: str) -> bool:
    """Tell whether no process begins with `words`."""
    return not processes_with(words)


def processes_with(words: str) -> list[str]:
    """Give the command lines that hold `words`, but for who is looking."""
    done = subprocess.run(
        ["ps", "-eo", "args"], capture_output=True, text=True, check=True
    )
    return [line for line in done.stdout.splitlines() if line.startswith(words)]


def test_stop_ends_the_run_and_resume_goes_on(laptop: Laptop) -> None:
    """What was sealed stays sealed; the stage that was cut starts again."""
    text = (
        "name: x\nheartbeat: {every: 1s}\nstages:\n"
        "  a: {sh: echo a > $OUT/a, outputs: [a]}\n"
        "  b:\n    after: [a]\n    outputs: [b]\n"
        "    sh: test -e $CHECKPOINTS/go || {{ touch $CHECKPOINTS/go; sleep 60; }};"
        " echo b > $OUT/b\n"
    )
    laptop.write("pipeline.yaml", text)
    laptop.commit()
    laptop.pipeline("run", "--detach")
    wait_until((laptop.run_folder() / "checkpoints/b/go").exists, "b is running")

    laptop.pipeline("stop")
    laptop.wait_for_runner(lives=False)
    stopped = laptop.events()[-1]
    laptop.pipeline("resume")

    assert (stopped["kind"], stopped["exit_code"]) == ("run_ended", 130)
    assert laptop.seals() == ["a", "b"]
    assert laptop.story().count("stage_started a") == 1


def test_a_stage_may_end_well_in_its_grace(laptop: Laptop) -> None:
    """TERM comes first: a training may write its checkpoint."""
    text = (
        "name: x\nstages:\n  a:\n"
        "    sh: |\n"
        "      trap 'echo saved > $CHECKPOINTS/saved; exit 1' TERM\n"
        "      touch $CHECKPOINTS/up\n"
        "      while :; do sleep 0.05; done\n"
    )
    laptop.write("pipeline.yaml", text)
    laptop.commit()
    laptop.pipeline("run", "--detach")
    checkpoints = laptop.run_folder() / "checkpoints" / "a"
    wait_until((checkpoints / "up").exists, "a is running")

    laptop.pipeline("stop")
    laptop.wait_for_runner(lives=False)

    assert (checkpoints / "saved").read_text() == "saved\n"


def test_ctrl_c_detaches_and_the_run_goes_on(laptop: Laptop) -> None:
    """The watcher leaves, saying how to come back; the runner does not notice."""
    text = "name: x\nstages:\n  a: {sh: touch $CHECKPOINTS/up; sleep 2}\n"
    laptop.write("pipeline.yaml", text)
    laptop.commit()
    watcher = laptop.spawn("run")
    assert watcher.stdout is not None
    while "a started" not in watcher.stdout.readline():
        pass

    os.killpg(watcher.pid, signal.SIGINT)
    said, _ = watcher.communicate(timeout=20)
    laptop.wait_for_runner(lives=False)

    assert watcher.returncode == 130
    assert f"pipeline attach {laptop.run_id}" in said
    assert laptop.events()[-1]["exit_code"] == 0


def test_two_launches_at_once_give_one_runner(chain: Laptop) -> None:
    """Launch is idempotent: the lock is the only judge."""
    chain.write(
        "pipeline.yaml", "name: x\nstages:\n  a: {sh: touch $CHECKPOINTS/up; sleep 1}\n"
    )
    chain.pipeline("run", "--detach", env={"PIPELINE_DIE_AT": "a:begun"})
    chain.wait_for_runner(lives=False)

    resumes = [chain.spawn("resume") for _ in range(4)]
    for process in resumes:
        said, _ = process.communicate(timeout=40)
        assert process.returncode == 0, said

    assert chain.story().count("run_resumed") == 1
    assert chain.seals() == ["a"]


def test_a_stage_dies_with_its_runner(laptop: Laptop) -> None:
    """Killed without a word, the runner leaves no stage behind."""
    text = "name: x\nstages:\n  a: {sh: setsid sleep 304 & sleep 305}\n"
    laptop.write("pipeline.yaml", text)
    laptop.commit()

    laptop.pipeline("run", "--detach", env={"PIPELINE_DIE_AT": "a:started"})
    laptop.wait_for_runner(lives=False)

    for words in ("sleep 304", "sleep 305"):
        wait_until(functools.partial(is_gone, words), f"no {words}")


def test_independent_stages_run_at_the_same_time(laptop: Laptop) -> None:
    """Up to `jobs`: two stages that wait for each other can only end together."""
    meet = "touch ../{me}; until test -e ../{other}; do sleep 0.02; done"
    a = meet.format(me="a", other="b")
    b = meet.format(me="b", other="a")
    text = (
        f"name: x\njobs: 2\nstages:\n  a: {{sh: '{a}', timeout: 20s}}\n"
        f"  b: {{sh: '{b}', timeout: 20s}}\n"
    )
    laptop.write("pipeline.yaml", text)
    laptop.commit()

    laptop.pipeline("run")

    assert sorted(laptop.seals()) == ["a", "b"]


def test_on_failure_continue_lets_others_go_on(laptop: Laptop) -> None:
    """What does not depend on the failure is done; the exit code is the failure's."""
    text = (
        "name: x\nstages:\n"
        "  a: {sh: exit 9, on_failure: continue}\n"
        "  b: {sh: 'true', after: [a]}\n"
        "  c: {sh: 'true'}\n"
    )
    laptop.write("pipeline.yaml", text)
    laptop.commit()

    said = laptop.pipeline("run", code=4)

    assert laptop.seals() == ["c"]
    assert "stage_skipped b" in laptop.story()
    assert "exit code 9" in said


def test_a_foreign_script_runs_unmodified(laptop: Laptop) -> None:
    """Somebody else's train.py: arguments, a progress bar, files written anywhere."""
    laptop.write(
        "train.py",
        "import argparse, sys, time, pathlib, json\n"
        "p = argparse.ArgumentParser()\n"
        "p.add_argument('--seed', type=int)\np.add_argument('--name')\n"
        "a = p.parse_args()\n"
        "for i in range(5):\n"
        "    sys.stderr.write(f'\\r{i * 25}%|{\"#\" * i}')\n"
        "    time.sleep(0.02)\n"
        "print('\\nseed', a.seed, 'name', a.name)\n"
        "out = pathlib.Path('analysis/results')\n"
        "out.mkdir(parents=True)\n"
        "(out / 'codes.json').write_text(json.dumps({'seed': a.seed}))\n",
    )
    laptop.write("analysis/old.json", "{}")
    text = (
        'name: x\nparams: {seed: 7, who: "it\'s $HOME; rm -rf /"}\nstages:\n'
        "  train:\n    sh: python3 train.py --seed {seed} --name {who}\n"
        "    collect: ['analysis/*.json', 'analysis/results/*']\n"
        "  use: {sh: 'cat {train/analysis/results/codes.json} > $OUT/seen',"
        " outputs: [seen]}\n"
    )
    laptop.write("pipeline.yaml", text)
    laptop.commit()

    laptop.pipeline("run")

    branch = f"run/{laptop.run_id}"
    log = (laptop.results / "train" / "stage.log").read_text()
    assert laptop.git("show", f"{branch}:artifacts/use/seen") == '{"seed": 7}'
    assert log == "100%|####\nseed 7 name it's $HOME; rm -rf /\n"
    names = laptop.git("ls-tree", "-r", "--name-only", branch, "artifacts/train")
    assert names == "artifacts/train/analysis/results/codes.json"


def test_the_users_repository_is_left_as_it_was(chain: Laptop) -> None:
    """A run adds the run's branch and its objects, and changes nothing else."""
    chain.write("staged.txt", "staged")
    chain.git("add", "staged.txt")
    chain.write("dirty.txt", "dirty")
    before = look(chain.repo)

    chain.pipeline("run")

    after = look(chain.repo)
    assert {k: v for k, v in after.items() if k in before} == before
    new = sorted(set(after) - set(before))
    own = (
        "results/",
        "artifacts/",
        ".pipeline/",
        ".git/objects/",
        ".git/refs/heads/run",
    )
    logs = ".git/logs/refs/heads/run"
    assert [name for name in new if not name.startswith((*own, logs))] == []


def look(root: Path) -> dict[str, bytes]:
    """Read every file below `root`."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def test_secrets_do_not_reach_what_travels(laptop: Laptop) -> None:
    """A token in the environment is blotted in the log, and in no event or commit."""
    token = "tok-0123456789abcdef"
    text = "name: x\nstages:\n  a: {sh: echo my $API_TOKEN}\n"
    laptop.write("pipeline.yaml", text)
    laptop.commit()

    laptop.pipeline("run", env={"API_TOKEN": token})

    log = (laptop.results / "a" / "stage.log").read_text()
    assert log == "my ***\n"
    everything = laptop.git("log", "-p", f"run/{laptop.run_id}")
    assert token not in everything
    assert token not in (laptop.results / "events.jsonl").read_text()


def test_large_files_stay_out_of_git(laptop: Laptop) -> None:
    """What is over git.max_file is sealed by the manifest alone."""
    text = (
        "name: x\ngit: {max_file: 1kB}\nstages:\n"
        "  a: {sh: 'head -c 5000 /dev/zero > $OUT/big; echo s > $OUT/small',"
        " outputs: [big, small]}\n"
    )
    laptop.write("pipeline.yaml", text)
    laptop.commit()

    laptop.pipeline("run")
    said = laptop.pipeline("pull")

    branch = f"run/{laptop.run_id}"
    listed = json.loads(laptop.git("show", f"{branch}:results/a/manifest.json"))
    names = laptop.git("ls-tree", "-r", "--name-only", branch, "artifacts/a")
    assert listed["artifacts"]["big"]["size"] == 5000
    assert names == "artifacts/a/small"
    assert "2 files" in said
    pulled = laptop.repo / "artifacts" / laptop.run_id / "a" / "big"
    assert pulled.stat().st_size == 5000


def test_a_pipeline_in_a_subfolder_has_its_own_home(laptop: Laptop) -> None:
    """Experiments live beside each other: results lie beside their pipeline.yaml."""
    laptop.write(
        "experiments/x/pipeline.yaml",
        "name: x\nstages:\n  a: {sh: cat here.txt > $OUT/a, outputs: [a]}\n",
    )
    laptop.write("experiments/x/here.txt", "here")
    laptop.commit()

    laptop.pipeline("run", "--file", "experiments/x")

    (latest,) = (laptop.repo / "experiments/x/results").glob("latest")
    branch = f"run/{os.readlink(latest)}"
    assert laptop.git("show", f"{branch}:experiments/x/artifacts/a/a") == "here"


def test_a_box_that_shuts_down_stops_the_run(laptop: Laptop) -> None:
    """TERM to the runner is a stop, told and resumable."""
    text = "name: x\nstages:\n  a: {sh: touch $CHECKPOINTS/up; sleep 60}\n"
    laptop.write("pipeline.yaml", text)
    laptop.commit()
    laptop.pipeline("run", "--detach")
    wait_until((laptop.run_folder() / "checkpoints/a/up").exists, "a is running")
    (pid,) = runner_pids(laptop)

    os.kill(pid, signal.SIGTERM)
    laptop.wait_for_runner(lives=False)

    assert laptop.events()[-1]["reason"] == "stopped by SIGTERM"


def runner_pids(laptop: Laptop) -> list[int]:
    """Find the runner of the latest run."""
    done = subprocess.run(
        ["pgrep", "-x", "pipeline-run"], capture_output=True, text=True, check=True
    )
    pids = [int(pid) for pid in done.stdout.split()]
    home = str(laptop.run_folder())
    return [pid for pid in pids if cwd_of(pid) == home]


def cwd_of(pid: int) -> str:
    """Where a process works; nothing when it ended meanwhile."""
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except FileNotFoundError:
        return ""


def test_a_killed_keeper_is_replaced(laptop: Laptop) -> None:
    """Then the runner may be killed too, and the stage still ends."""
    text = "name: x\nstages:\n  a: {sh: touch $CHECKPOINTS/up; sleep 306}\n"
    laptop.write("pipeline.yaml", text)
    laptop.commit()
    laptop.pipeline("run", "--detach")
    wait_until((laptop.run_folder() / "checkpoints/a/up").exists, "a is running")
    (pid,) = runner_pids(laptop)

    first = keeper_of(pid)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: keeper_of(pid) not in (0, first), "another keeper")
    time.sleep(0.3)
    os.kill(pid, signal.SIGKILL)

    wait_until(lambda: not processes_with("sleep 306"), "the stage is gone")


def keeper_of(runner: int) -> int:
    """Find the keeper among a runner's children; 0 when there is none."""
    done = subprocess.run(
        ["pgrep", "-P", str(runner), "-f", "keeper"],
        capture_output=True,
        text=True,
        check=False,
    )
    pids = done.stdout.split()
    return int(pids[0]) if pids else 0
