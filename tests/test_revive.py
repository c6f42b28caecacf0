"""After a reboot an unfinished run goes on by itself, on a box with a real systemd."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipeline.events import GOES_ON
from pipeline.progress import RunState
from pipeline.views.telling import farewell
from tests.laptop import wait_until

if TYPE_CHECKING:
    from tests.afar import Remote
    from tests.lab import Host, Lab

USER = "ubuntu"
UNITS = "ls ~/.config/systemd/user ~/.config/systemd/user/default.target.wants"
# The second stage waits until it is told to go on, wherever the power is cut.
TWO = """\
name: two
heartbeat: {every: 1s}
notify: {command: 'echo $PIPELINE_EVENT $PIPELINE_REASON >> ~/told'}
stages:
  quick: {sh: echo quick > $OUT/quick.txt, outputs: [quick.txt]}
  slow:
    after: [quick]
    sh: while ! test -e ~/go; do sleep 0.1; done; echo slow > $OUT/slow.txt
    outputs: [slow.txt]
"""


def story_on(box: Host, run: str) -> list[dict[str, object]]:
    """The story as the box tells it."""
    path = f"~/.pipeline/*/runs/{run}/tree/results/events.jsonl"
    text = box.exec(f"cat {path}", user=USER, check=False)
    return [json.loads(line) for line in text.splitlines() if line.endswith("}")]


def wait_for(
    box: Host, run: str, kind: str, *, stage: str = "", count: int = 1
) -> None:
    """Wait until the story on the box has told of something so often."""

    def is_told() -> bool:
        told = [e for e in story_on(box, run) if e["kind"] == kind]
        return sum(stage in ("", e.get("stage")) for e in told) >= count

    wait_until(is_told, f"{kind} {stage} x {count}", 30.0)


def told_on(box: Host) -> list[str]:
    """What the user's command was told, a line for each."""
    return box.exec("cat ~/told", user=USER, check=False).splitlines()


def started(remote: Remote, box: Host, lab: Lab, text: str = TWO) -> str:
    """Start a run as an ordinary user, and wait until its second stage is at work."""
    remote.on(box, lab, text, user=USER)
    remote.pipeline("run", "--host", "gpu", "--detach")
    run = remote.run_id
    wait_for(box, run, "stage_started", stage="slow")
    return run


def test_after_a_power_cut_it_ends_by_itself(
    remote: Remote, systemd_box: Host, lab: Lab
) -> None:
    """Each stage is sealed once, nobody logs in, and no unit is left."""
    run = started(remote, systemd_box, lab)
    assert run in systemd_box.exec(UNITS, user=USER)

    systemd_box.power_off()
    systemd_box.boot()
    wait_for(systemd_box, run, "run_resumed")
    systemd_box.exec("touch ~/go", user=USER)
    wait_for(systemd_box, run, "run_ended")

    remote.pipeline("attach", run)
    assert remote.seals() == ["quick", "slow"]
    (resumed,) = [e for e in remote.events() if e["kind"] == "run_resumed"]
    assert resumed["because"] == "after a reboot (1 of 3 without a new seal)"
    wait_until(lambda: run not in systemd_box.exec(UNITS, user=USER), "no unit left")
    events = [line.split()[0] for line in told_on(systemd_box)]
    assert events == ["revived", "end"]


def test_an_orderly_reboot_is_no_stop(
    remote: Remote, systemd_box: Host, lab: Lab
) -> None:
    """The runner is asked to end as by a person; it says that the run goes on."""
    run = started(remote, systemd_box, lab)

    # First the runner is of a login, and then of the unit.
    for count in (1, 2):
        systemd_box.reboot()
        wait_for(systemd_box, run, "run_resumed", count=count)
        wait_for(systemd_box, run, "stage_started", stage="slow", count=count + 1)
    systemd_box.exec("touch ~/go", user=USER)
    wait_for(systemd_box, run, "run_ended", count=3)

    ends = [e for e in story_on(systemd_box, run) if e["kind"] == "run_ended"]
    again = "stopped by SIGTERM; it goes on by itself when the machine is back"
    assert [end["reason"] for end in ends] == [again, again, "all 2 stages sealed"]
    wait_until(lambda: len(told_on(systemd_box)) == 3, "the last notice")
    events = [line.split()[0] for line in told_on(systemd_box)]
    assert events == ["revived", "revived", "end"]


def test_a_crash_loop_ends(remote: Remote, systemd_box: Host, lab: Lab) -> None:
    """After the limit it gives up, and says so; `resume` begins to count anew."""
    run = started(remote, systemd_box, lab, "revive: 2\n" + TWO)
    for count in (1, 2):
        systemd_box.power_off()
        systemd_box.boot()
        wait_for(systemd_box, run, "run_resumed", count=count)
        wait_for(systemd_box, run, "stage_started", stage="slow", count=count + 1)

    systemd_box.power_off()
    systemd_box.boot()
    wait_for(systemd_box, run, "run_ended")

    said = remote.pipeline("attach", run, code=6)
    assert "gave up after 3 reboots without a new seal" in said
    assert f"pipeline resume {run}" in said
    assert "gave up" in remote.pipeline("status", run)
    wait_until(lambda: run not in systemd_box.exec(UNITS, user=USER), "no unit left")
    assert [line.split()[0] for line in told_on(systemd_box)][-1] == "gave_up"
    systemd_box.exec("touch ~/go", user=USER)
    remote.pipeline("resume", run)
    assert remote.seals() == ["quick", "slow"]


def test_without_linger_a_reboot_waits_for_resume(
    remote: Remote, systemd_box: Host, lab: Lab
) -> None:
    """There is no unit, so nothing starts; and `resume` goes on."""
    systemd_box.exec("loginctl disable-linger ubuntu")
    run = started(remote, systemd_box, lab)
    assert "pipeline" not in systemd_box.exec(UNITS, user=USER, check=False)

    systemd_box.power_off()
    systemd_box.boot()
    systemd_box.exec("touch ~/go", user=USER)
    said = remote.pipeline("attach", run, code=6)

    assert f"pipeline resume {run}" in said
    remote.pipeline("resume", run)
    assert remote.seals() == ["quick", "slow"]


def test_who_was_asked_to_stop_stays_stopped(
    remote: Remote, systemd_box: Host, lab: Lab
) -> None:
    """A wish that the power was quicker than is told as the end it meant."""
    run = started(remote, systemd_box, lab)
    systemd_box.exec("pkill -STOP pipeline-run", user=USER)
    remote.pipeline("stop", run)

    systemd_box.power_off()
    systemd_box.boot()
    wait_for(systemd_box, run, "run_ended")

    said = remote.pipeline("attach", run, code=130)
    assert "stopped; what is sealed is safe." in said
    kinds = [e["kind"] for e in story_on(systemd_box, run)]
    assert "run_resumed" not in kinds


def test_who_was_killed_by_a_person_leaves_no_unit(
    remote: Remote, systemd_box: Host, lab: Lab
) -> None:
    """The machine is not being shut down, so it is a stop."""
    run = started(remote, systemd_box, lab)

    systemd_box.exec("pkill -TERM pipeline-run", user=USER)
    wait_for(systemd_box, run, "run_ended")

    (ended,) = [e for e in story_on(systemd_box, run) if e["kind"] == "run_ended"]
    assert ended["reason"] == "stopped by SIGTERM"
    wait_until(lambda: run not in systemd_box.exec(UNITS, user=USER), "no unit left")


def test_a_run_with_secrets_waits_for_them(
    remote: Remote, systemd_box: Host, lab: Lab
) -> None:
    """They were in memory only: it says so, in the story and by the notice."""
    remote.env["LAB_TOKEN"] = "a-value-of-no-worth"
    run = started(remote, systemd_box, lab, "secrets: [LAB_TOKEN]\n" + TWO)

    systemd_box.power_off()
    systemd_box.boot()
    wait_for(systemd_box, run, "run_ended")

    said = remote.pipeline("attach", run, code=130)
    waits = f"it waits for its secrets (LAB_TOKEN): pipeline resume {run}"
    assert waits in said
    wait_until(lambda: bool(told_on(systemd_box)), "the notice")
    assert told_on(systemd_box)[-1] == f"waiting after a reboot {waits}"
    systemd_box.exec("touch ~/go", user=USER)
    remote.pipeline("resume", run)
    assert remote.seals() == ["quick", "slow"]


def test_gc_clears_up_units_whose_run_is_gone(
    remote: Remote, systemd_box: Host, lab: Lab
) -> None:
    """It lists them, and with --yes removes unit and link; others stay."""
    run = started(remote, systemd_box, lab)
    units = "~/.config/systemd/user"
    systemd_box.exec(
        f"cd {units} && for old in *.service; do new=${{old%{run}*}}gone.service;"
        " cp $old $new; ln -s ../$new default.target.wants/$new; done",
        user=USER,
    )

    assert "its run is gone" in remote.pipeline("gc", "--host", "gpu")
    remote.pipeline("gc", "--host", "gpu", "--yes")

    left = systemd_box.exec(UNITS, user=USER)
    assert "gone.service" not in left
    assert left.count(run) == 2


def test_who_stops_a_dead_run_means_the_next_boot_too(
    remote: Remote, systemd_box: Host, lab: Lab
) -> None:
    """Its unit would start it again, weeks later."""
    run = started(remote, systemd_box, lab)
    systemd_box.exec("pkill -KILL pipeline-run", user=USER)
    wait_until(lambda: "dead" in "".join(told_on(systemd_box)), "its death")
    assert run in systemd_box.exec(UNITS, user=USER)

    remote.pipeline("stop", run)

    assert run not in systemd_box.exec(UNITS, user=USER)


def test_who_saw_the_shutdown_is_told_that_the_run_goes_on() -> None:
    """An end that is none names no `resume`."""
    state = RunState(exit_code=130, reason=f"stopped by SIGTERM{GOES_ON}")

    said = farewell(state, knowing="ended", run="r")

    assert "the run goes on by itself" in said
    assert "resume" not in said


def test_a_path_is_one_word_to_systemd_whatever_it_holds(
    remote: Remote, systemd_box: Host, lab: Lab
) -> None:
    """Blanks, percent, dollar, quotes and letters of any script are only letters."""
    python = "my 50%h $HOME \\\"püthon'"
    systemd_box.exec(
        'ln -s /usr/bin/python3 "$HOME/' + 'my 50%h \\$HOME \\\\\\"püthon\'"',
        user=USER,
    )
    remote.on(systemd_box, lab, TWO, user=USER)
    text = (remote.repo / "pipeline.yaml").read_text()
    named = text.replace("{ssh:", f"{{python: {json.dumps('~/' + python)}, ssh:")
    remote.write("pipeline.yaml", named)
    remote.pipeline("run", "--host", "gpu", "--detach")
    run = remote.run_id
    wait_for(systemd_box, run, "stage_started", stage="slow")

    systemd_box.power_off()
    systemd_box.boot()
    wait_for(systemd_box, run, "run_resumed")

    systemd_box.exec("touch ~/go", user=USER)
    wait_for(systemd_box, run, "run_ended")
