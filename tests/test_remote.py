"""The same run on a real box behind a real sshd, and what goes wrong there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.afar import SLOW, Remote, read_on, remote_log_size, results_on
from tests.lab import Host, Lab
from tests.laptop import Laptop, wait_until

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]


def chain_text(laptop: Laptop) -> str:
    """Read the chain's declaration."""
    return (laptop.repo / "pipeline.yaml").read_text()


def is_ticking(box: Host) -> bool:
    """Tell whether the slow stage's shell is there."""
    return bool(box.exec("pgrep -f '[w]hile .* -lt' || :").strip())


def lives_on(box: Host) -> bool:
    """Tell whether a runner lives on the box."""
    return box.exec("pgrep -cx pipeline-run || :").strip() != "0"


def test_a_run_on_a_box_as_another_user(remote: Remote, box: Host, lab: Lab) -> None:
    """Everything comes home: seals, story, files, artifacts."""
    remote.on(box, lab, chain_text(remote), user="ubuntu")

    remote.pipeline("run", "--host", "gpu")
    said = remote.pipeline("pull")

    assert remote.seals() == ["one", "two", "three"]
    on_box = results_on(box, remote.run_id, "ubuntu")
    assert (remote.results / "events.jsonl").read_text() == read_on(
        box, f"{on_box}/events.jsonl"
    )
    assert (remote.results / "three" / "curve.svg").read_text() == "<svg/>"
    assert (remote.results / "three" / "stage.log").read_text() == "three is done\n"
    assert "3 files" in said
    assert box.exec("ls -A /root/.pipeline || echo none").strip() == "none"


def test_a_run_on_a_box_is_the_run_on_this_machine(
    remote: Remote, box: Host, lab: Lab
) -> None:
    """One code for both: the same trees are sealed, but for where they were made."""
    remote.on(box, lab, chain_text(remote))
    remote.pipeline("run")
    here = made(remote)

    remote.pipeline("run", "--host", "gpu")

    assert made(remote) == here


def made(remote: Remote) -> list[str]:
    """Name what the seals hold, less the environment of the host."""
    lines = [line for tree in remote.trees().values() for line in tree.splitlines()]
    return [line for line in lines if not line.endswith("/fingerprint.json")]


def test_a_run_over_the_lasting_link(remote: Remote, box: Host, lab: Lab) -> None:
    """Whichever link is chosen, the run is the same."""
    remote.on(box, lab, chain_text(remote))
    text = (remote.repo / "pipeline.yaml").read_text()
    remote.write("pipeline.yaml", text.replace("{ssh:", "{link: lasting, ssh:"))

    remote.pipeline("run", "--host", "gpu")

    assert remote.seals() == ["one", "two", "three"]
    assert (remote.results / "three" / "curve.svg").read_text() == "<svg/>"


def test_one_connection_serves_a_whole_run(remote: Remote, box: Host, lab: Lab) -> None:
    """Never a connection per command, and the next command finds it open."""
    remote.on(box, lab, chain_text(remote))

    remote.pipeline("run", "--host", "gpu")
    remote.pipeline("run", "--host", "gpu")

    assert box.count_connections() == 1


def test_the_laptop_may_die(remote: Remote, box: Host, lab: Lab) -> None:
    """Killed in the middle, it misses nothing: attach catches up to the byte."""
    remote.on(box, lab, SLOW)
    watcher = remote.spawn("run", "--host", "gpu")
    wait_until(lambda: remote_log_size(remote) > 50, "some lines came home")

    os.killpg(watcher.pid, signal.SIGKILL)
    watcher.communicate()
    wait_until(lambda: not lives_on(box), "the run ends", 40)
    remote.pipeline("attach")

    on_box = results_on(box, remote.run_id)
    for name in ("events.jsonl", "slow/stage.log", "PROGRESS.txt", "HEARTBEAT.txt"):
        here = (remote.results / name).read_text()
        assert here == read_on(box, f"{on_box}/{name}"), name
    assert remote.seals() == ["quick", "slow"]


def test_a_cut_link_is_unknown_and_heals(remote: Remote, box: Host, lab: Lab) -> None:
    """Nothing is lost, and nobody calls the run dead."""
    text = SLOW.replace("ticks: 60", "ticks: 300")
    remote.on(box, lab, text)
    watcher = remote.spawn("run", "--host", "gpu")
    wait_until(lambda: remote_log_size(remote) > 50, "some lines came home")

    box.partition()
    time.sleep(24)
    box.heal()
    said, _ = watcher.communicate(timeout=80)

    assert watcher.returncode == 0, said
    assert "the link is lost; the run itself is not affected" in said
    assert "the link is back" in said
    assert "dead" not in said
    assert remote.seals() == ["quick", "slow"]
    log = (remote.results / "slow" / "stage.log").read_text()
    assert log.splitlines() == [f"line {i}" for i in range(1, 301)]


def test_a_rebooted_box_is_resumed(remote: Remote, box: Host, lab: Lab) -> None:
    """The lock is free, no end was told: dead. Resume goes on where the seals end."""
    remote.on(box, lab, SLOW)
    watcher = remote.spawn("run", "--host", "gpu")
    wait_until(lambda: remote_log_size(remote) > 50, "some lines came home")

    box.power_off()
    box.boot()
    said, _ = watcher.communicate(timeout=80)
    remote.pipeline("resume", timeout_s=90)

    assert watcher.returncode == 6, said
    assert f"pipeline resume {remote.run_id}" in said
    assert remote.seals() == ["quick", "slow"]
    assert remote.story().count("stage_started quick") == 1
    assert remote.story().count("stage_started slow") == 2


def test_a_box_with_nothing_but_sshd_git_and_python(
    remote: Remote, plain_box: Host, lab: Lab
) -> None:
    """Without rsync a tar stream brings the same files home."""
    remote.on(plain_box, lab, chain_text(remote))

    remote.pipeline("run", "--host", "gpu")
    said = remote.pipeline("pull")

    assert (remote.results / "three" / "curve.svg").read_text() == "<svg/>"
    assert (remote.results / "one" / "metrics.json").exists()
    assert "3 files" in said


def test_stop_and_resume_from_afar(remote: Remote, box: Host, lab: Lab) -> None:
    """A wish crosses the wire, and the watcher sees its end."""
    remote.on(box, lab, SLOW)
    watcher = remote.spawn("run", "--host", "gpu")
    wait_until(lambda: remote_log_size(remote) > 50, "some lines came home")

    remote.pipeline("stop")
    said, _ = watcher.communicate(timeout=40)
    remote.pipeline("resume", timeout_s=90)

    assert watcher.returncode == 130, said
    assert remote.seals() == ["quick", "slow"]


def test_a_killed_runner_on_a_box_takes_its_stage_along(
    remote: Remote, box: Host, lab: Lab
) -> None:
    """The keeper is there too, and resume finds the run as it was."""
    remote.on(box, lab, SLOW)
    remote.pipeline("run", "--host", "gpu", "--detach")
    wait_until(lambda: is_ticking(box), "the stage is running")

    box.exec("pkill -KILL -x pipeline-run")
    wait_until(lambda: not is_ticking(box), "the stage is gone")
    remote.pipeline("resume", timeout_s=90)

    assert remote.seals() == ["quick", "slow"]


def test_a_host_that_is_off_is_a_transport_error(
    remote: Remote, box: Host, lab: Lab
) -> None:
    """It is told apart from a refusal, by its exit code too."""
    remote.on(box, lab, chain_text(remote))
    box.refuse(22)

    said = remote.pipeline("run", "--host", "gpu", code=5)

    assert "host 'gpu'" in said


def test_an_unknown_host_key_is_refused(remote: Remote, box: Host, lab: Lab) -> None:
    """Nobody is asked, nothing is sent."""
    remote.on(box, lab, chain_text(remote))
    box.stop()
    box.new_host_key()
    box.boot()

    said = remote.pipeline("run", "--host", "gpu", code=6)

    assert "host key" in said
    assert not (remote.repo / "results" / "latest").exists()


def test_a_box_without_python_is_told(remote: Remote, box: Host, lab: Lab) -> None:
    """The message names the key to set."""
    remote.on(box, lab, chain_text(remote))
    text = (remote.repo / "pipeline.yaml").read_text()
    remote.write("pipeline.yaml", text.replace("{ssh:", "{python: python9, ssh:"))

    said = remote.pipeline("run", "--host", "gpu", code=6)

    assert "hosts.gpu.python" in said


def test_only_what_is_missing_is_shipped(remote: Remote, box: Host, lab: Lab) -> None:
    """A second snapshot costs what changed, not what there is."""
    remote.write("big.bin", os.urandom(3_000_000).hex())
    remote.on(box, lab, chain_text(remote))
    remote.pipeline("run", "--host", "gpu")
    before = sent_to(box)

    remote.write("small.txt", "changed")
    remote.pipeline("run", "--host", "gpu")

    assert sent_to(box) - before < 300_000


def sent_to(box: Host) -> int:
    """Count the bytes the box received."""
    return int(box.exec("cat /sys/class/net/eth0/statistics/rx_bytes"))


def test_logs_and_status_after_the_laptop_slept(
    remote: Remote, box: Host, lab: Lab
) -> None:
    """`logs` catches up by itself; `status` says how old its picture is."""
    remote.on(box, lab, SLOW)
    remote.pipeline("run", "--host", "gpu", "--detach")
    wait_until(lambda: not lives_on(box), "the run ends", 40)

    unheard = remote.pipeline("status")
    lines = remote.pipeline("logs", "slow").splitlines()
    heard = remote.pipeline("status")

    assert "nothing was heard of it yet" in unheard
    assert lines == [f"line {i}" for i in range(1, 61)]
    assert "done, 2 of 2 stages sealed" in heard


def test_nothing_of_a_run_is_on_a_command_line(
    remote: Remote, box: Host, lab: Lab
) -> None:
    """Params travel in files: no `ps` on the box shows them."""
    text = SLOW.replace("seed: 3", "seed: 3, who: hunter2-secret-value")
    remote.on(box, lab, text.replace('echo "line $i";', 'echo "$i" {who} >/dev/null;'))
    remote.pipeline("run", "--host", "gpu", "--detach")
    wait_until(lambda: is_ticking(box), "the stage is running")

    shown = box.exec("ps -eo args")

    assert "hunter2" not in shown
    remote.pipeline("stop")


def test_the_live_picture_of_a_remote_run(remote: Remote, box: Host, lab: Lab) -> None:
    """In a terminal: the graph, the bar, the heartbeat and the log."""
    remote.on(box, lab, SLOW)
    name = f"pipeline-{os.getpid()}"
    tmux = ["tmux", "-L", name]
    command = f"{sys.executable} -m pipeline run --host gpu; sleep 60"
    env = [f"{key}={value}" for key, value in remote.env.items()]
    size = ("-x", "100", "-y", "30", "-c", str(remote.repo))
    shell = ("env", *env, "TERM=xterm-256color", "sh", "-c", command)
    subprocess.run(
        [*tmux, "new-session", "-d", *size, *shell],
        check=True,
    )
    try:
        wait_until(lambda: "line 9" in screen(tmux), "the log is on the screen")
        seen = screen(tmux)
        subprocess.run([*tmux, "send-keys", "C-c"], check=True)
        wait_until(lambda: "come back with" in screen(tmux), "the farewell")
    finally:
        subprocess.run([*tmux, "kill-server"], check=False)

    assert "quick" in seen
    assert "/60" in seen
    assert "beat" in seen


def screen(tmux: list[str]) -> str:
    """Give what the terminal shows."""
    argv = [*tmux, "capture-pane", "-p"]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout
