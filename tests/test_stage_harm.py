"""What a stage may do, and its run still ends as it should."""

from __future__ import annotations

import json
from pathlib import Path

from tests.laptop import Laptop, wait_until


def with_stages(laptop: Laptop, text: str, head: str = "") -> Laptop:
    """Declare stages in the repository."""
    laptop.write("pipeline.yaml", f"name: x\n{head}stages:\n{text}")
    laptop.commit()
    return laptop


def test_one_that_prints_for_ever_is_out_of_time_in_time(laptop: Laptop) -> None:
    """Neither its timeout nor a stop waits for what it prints."""
    with_stages(laptop, "  a: {sh: yes a long enough line, timeout: 2s}\n")

    said = laptop.pipeline("run", code=4, timeout_s=30)

    assert "ran out of time" in said
    log = laptop.results / "a" / "stage.log"
    assert log.stat().st_size < 25_000_000


def test_a_printing_daemon_holds_no_end_up(laptop: Laptop) -> None:
    """It is ended before the log is read to its end."""
    with_stages(laptop, "  a: {sh: 'setsid yes & sleep 0.5'}\n")

    laptop.pipeline("run", timeout_s=30)

    assert laptop.seals() == ["a"]


def test_the_closing_commit_tells_the_end(chain: Laptop) -> None:
    """Story and picture are committed as they are when all is over."""
    chain.pipeline("run")

    branch = f"run/{chain.run_id}"
    picture = chain.git("show", f"{branch}:results/PROGRESS.txt")
    story = chain.git("show", f"{branch}:results/events.jsonl")
    assert "done, 3 of 3 stages sealed" in picture
    assert json.loads(story.splitlines()[-1])["kind"] == "run_ended"
    assert story + "\n" == (chain.results / "events.jsonl").read_text()
    assert "three is done" in chain.git("show", f"{branch}:results/three/stage.log")


def test_resume_right_after_the_end_is_not_too_early(laptop: Laptop) -> None:
    """The user's own command may take its time; the run is over, and can be resumed."""
    stages = (
        "  a: {sh: test -e $CHECKPOINTS/go || { touch $CHECKPOINTS/go; exit 1; }}\n"
    )
    stages = stages.replace("{ touch", "{{ touch").replace("; }", "; }}")
    stages = stages.replace("sh: ", "sh: '").replace("}}}", "}}'}")
    with_stages(laptop, stages, head="notify: {command: sleep 4}\n")
    laptop.pipeline("run", code=4)

    laptop.pipeline("resume")

    assert laptop.seals() == ["a"]


def test_a_lock_of_the_branch_left_by_a_power_cut_is_removed(chain: Laptop) -> None:
    """The runner is the branch's only writer, so a lock that lies there is nobody's."""
    chain.pipeline("run", "--detach", env={"PIPELINE_DIE_AT": "two:sealing"})
    chain.wait_for_runner(lives=False)
    (code,) = chain.home.glob(".pipeline/*/code.git")
    (code / f"refs/heads/run/{chain.run_id}.lock").touch()

    chain.pipeline("resume")

    assert chain.seals() == ["one", "two", "three"]


def test_what_is_not_a_plain_file_is_refused(laptop: Laptop) -> None:
    """A link would seal nothing; the message names it."""
    with_stages(laptop, "  a: {sh: ln -s /etc/passwd $OUT/x, outputs: [x]}\n")

    said = laptop.pipeline("run", code=7)

    assert "output 'x' is not a plain file" in said


def test_odd_names_and_deep_folders_are_sealed(laptop: Laptop) -> None:
    """Whatever a file system takes for a name."""
    laptop.write(
        "make.py",
        "import os\n"
        "out = os.environb[b'OUT']\n"
        "for name in (b'a\\nb', b'-x', b'q\"uote', b'\\xff\\xfe', b'n' * 250):\n"
        "    open(os.path.join(out, name), 'wb').write(name)\n"
        "deep = os.path.join(out, *[b'd'] * 40)\n"
        "os.makedirs(deep)\n"
        "open(os.path.join(deep, b'f'), 'wb').write(b'deep')\n",
    )
    with_stages(laptop, "  a: {sh: python3 make.py}\n")

    laptop.pipeline("run")

    branch = f"run/{laptop.run_id}"
    names = laptop.git("ls-tree", "-r", "-z", "--name-only", branch, "artifacts/a")
    assert len(names.rstrip("\0").split("\0")) == 6


def test_numbers_that_are_none_are_refused_or_kept(laptop: Laptop) -> None:
    """NaN fails its gate and is null in metrics.json; a text is no metric."""
    with_stages(
        laptop,
        '  a: {sh: \'echo "{\\"x\\": NaN}" > $RESULTS/metrics.json\','
        " gates: [x is finite]}\n",
    )
    said = laptop.pipeline("run", code=3)
    metrics = laptop.git("show", f"run/{laptop.run_id}:results/a/metrics.json")
    story = (laptop.results / "events.jsonl").read_text()

    assert "x is nan" in said
    assert json.loads(metrics) == {"x": None}
    assert "NaN" not in story


def test_a_forged_subject_is_one_line(laptop: Laptop) -> None:
    """Nothing a stage measures or prints becomes a trailer."""
    with_stages(laptop, "  a: {sh: 'true', commit: 'Stage: b Verdict: fail'}\n")

    laptop.pipeline("run")

    assert laptop.seals() == ["a"]


def test_a_stage_that_ruins_its_worktree_ruins_only_itself(laptop: Laptop) -> None:
    """The seals are in another folder, and the fact is the commit."""
    with_stages(
        laptop,
        "  a: {sh: echo a > $OUT/a, outputs: [a]}\n"
        "  b: {sh: rm -rf .git results/a artifacts/a, after: [a]}\n"
        "  c: {sh: echo c > $OUT/c, after: [b], outputs: [c]}\n",
    )

    laptop.pipeline("run")

    assert laptop.seals() == ["a", "b", "c"]
    assert laptop.git("show", f"run/{laptop.run_id}:artifacts/a/a") == "a"


def test_what_the_runner_keeps_is_private(laptop: Laptop) -> None:
    """Code and logs are nobody else's; what a stage makes has the user's own mode."""
    with_stages(laptop, "  a: {sh: echo a > $OUT/a, outputs: [a]}\n")

    laptop.pipeline("run")

    folder = laptop.run_folder()
    for path in (folder, folder.parent.parent / "code.git", folder / "raw"):
        assert path.stat().st_mode & 0o077 == 0, path
    made = folder / "tree/artifacts/a/a"
    assert made.stat().st_mode & 0o777 == 0o666 & ~current_umask(laptop.home)


def current_umask(place: Path) -> int:
    """Read the umask the tests run with."""
    probe = place / "probe"
    probe.touch()
    return 0o666 & ~probe.stat().st_mode


def test_two_hundred_stages_at_once(laptop: Laptop) -> None:
    """A fan-out is sealed stage by stage, each once."""
    stages = "".join(f"  s{i}: {{sh: 'true'}}\n" for i in range(200))
    with_stages(laptop, stages, head="jobs: 16\n")

    laptop.pipeline("run", timeout_s=60)

    assert sorted(laptop.seals()) == sorted(f"s{i}" for i in range(200))


def test_a_killed_git_is_started_again(laptop: Laptop) -> None:
    """What a run keeps open may be killed like anything else."""
    with_stages(
        laptop,
        "  a: {sh: 'true'}\n"
        "  b: {sh: 'pkill -KILL -P $(ps -o ppid= -p $$) git; sleep 0.2', after: [a]}\n"
        "  c: {sh: 'true', after: [b]}\n",
    )

    laptop.pipeline("run")

    assert laptop.seals() == ["a", "b", "c"]


def test_a_stop_is_not_waited_out_by_a_loud_stage(laptop: Laptop) -> None:
    """A stop ends it like any other."""
    with_stages(laptop, "  a: {sh: touch $CHECKPOINTS/up; yes}\n")
    laptop.pipeline("run", "--detach")
    wait_until((laptop.run_folder() / "checkpoints/a/up").exists, "a is running")

    laptop.pipeline("stop")
    laptop.wait_for_runner(lives=False)

    assert laptop.events()[-1]["exit_code"] == 130
