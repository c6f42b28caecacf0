"""Two real watchers of one run on a box, and lines that break at the worst instant."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from tests.afar import SLOW, Remote, read_on, remote_log_size, results_on
from tests.lab import Host, Lab
from tests.laptop import wait_until

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]


def kill(watcher: subprocess.Popen[str]) -> None:
    """End a watcher as the worst of accidents would."""
    os.killpg(watcher.pid, signal.SIGKILL)
    watcher.communicate()


def test_the_second_watcher_takes_over(remote: Remote, box: Host, lab: Lab) -> None:
    """The first is killed: the copy goes on growing, and ends as the truth."""
    remote.on(box, lab, SLOW.replace("ticks: 60", "ticks: 150"))
    first = remote.spawn("run", "--host", "gpu")
    wait_until(lambda: remote_log_size(remote) > 50, "some lines came home")
    others = [remote.spawn("attach"), remote.spawn("attach")]
    wait_until(lambda: remote_log_size(remote) > 150, "all watch")

    kill(first)
    size = remote_log_size(remote)
    wait_until(lambda: remote_log_size(remote) > size + 100, "another writes", 15)
    kill(others.pop(0))
    said, _ = others[0].communicate(timeout=60)

    assert others[0].returncode == 0, said
    assert [line for line in said.splitlines() if "sealed" in line] == [
        line for line in dict.fromkeys(said.splitlines()) if "sealed" in line
    ]
    on_box = results_on(box, remote.run_id)
    for name in ("events.jsonl", "slow/stage.log", "PROGRESS.txt"):
        here = (remote.results / name).read_text()
        assert here == read_on(box, f"{on_box}/{name}"), name
    assert (remote.results / "slow" / "manifest.json").exists()
    assert remote.seals() == ["quick", "slow"]


def test_an_upload_that_was_cut_poisons_nothing(
    remote: Remote, box: Host, lab: Lab
) -> None:
    """Half a runner never gets its name, so the next run sends it again."""
    remote.on(box, lab, SLOW.replace("ticks: 60", "ticks: 2"))
    box.shape(rate_mbit=0.2)
    cut = remote.spawn("run", "--host", "gpu", "--detach")
    drafts = "cat ~/.pipeline/*/runner/.*.draft 2>/dev/null | wc -c"
    wait_until(lambda: int(box.exec(drafts)) > 1000, "half of it is there")

    box.kill_sshd()
    wait_until(lambda: not box.exec("pgrep -x cat || :"), "the far end noticed")
    names = box.exec("ls -A ~/.pipeline/*/runner").split()
    kill(cut)
    box.shape()
    box.start_sshd()
    remote.pipeline("run", "--host", "gpu", timeout_s=90)

    assert names == []
    assert remote.seals() == ["quick", "slow"]


def test_what_stays_behind_is_told(remote: Remote, box: Host, lab: Lab) -> None:
    """The run's branch is checked out here, so git leaves it alone."""
    remote.on(box, lab, SLOW)
    watcher = remote.spawn("run", "--host", "gpu")
    wait_until(lambda: remote_log_size(remote) > 20, "it runs")
    branch = f"run/{remote.run_id}"
    wait_until(lambda: branch in remote.git("branch", "--list", branch), "a branch")
    remote.git("worktree", "add", "-q", "../elsewhere", branch)

    said, _ = watcher.communicate(timeout=60)

    assert watcher.returncode == 0, said
    assert f"note: {branch} is checked out here" in said, said
    assert f"not at home: branch {branch}: " in said
    assert f"  bring it with:  pipeline attach {remote.run_id}" in said


def test_a_folder_with_a_blank_comes_home(remote: Remote, box: Host, lab: Lab) -> None:
    """An older rsync would let a shell on the box read its name."""
    remote.repo = remote.repo / "an experiment; touch x"
    remote.repo.mkdir()
    remote.on(box, lab, SLOW.replace("ticks: 60", "ticks: 2"))

    remote.pipeline("run", "--host", "gpu")

    assert (remote.results / "slow" / "manifest.json").exists()
    assert "1 file" in remote.pipeline("pull", "slow")
