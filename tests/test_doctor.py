"""The doctor: all that a run needs, asked in one go, and what to type for it."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.commands import doctor as verb
from pipeline.schema import Env
from remote.doctor import company, gpus, probe, room, tools
from remote.doctor.asking import Answers, _Dialogue
from remote.doctor.finding import Finding, ok, tamed
from remote.doctor.lock import torch_in
from remote.doctor.tools import Wanted
from remote.links.command import Process as LocalProcess
from tests.afar import SLOW
from tests.lab import command

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.afar import Remote
    from tests.lab import Host, Lab
    from tests.laptop import Laptop

TINY = "name: tiny\nstages:\n  one: {sh: echo 1 > $OUT/a, outputs: [a]}\n"
OLD_PYTHON = "#!/bin/sh\nexec /usr/bin/python3 -c 'print(\"version=3.8.10\")'\n"
SMI = """#!/bin/sh
case "$*" in
*query-gpu*) echo "0, NVIDIA A10G, 23028, 4000, 535.183.01" ;;
*query-compute*) echo "1, 3900, /usr/bin/python3.8" ;;
*) echo "| NVIDIA-SMI 535  Driver Version: 535  CUDA Version: 11.8 |" ;;
esac
"""
LATE = '#!/bin/sh\nexec /usr/bin/date -d "1 hour ago" "$@"\n'
CHATTY = "echo Welcome to the box\n"


def examined(laptop: Laptop, *words: str, code: int = 0) -> dict[str, Finding]:
    """Run the doctor; give what it says, by what it looked at."""
    said = laptop.pipeline("doctor", "--json", *words, code=code)
    document: dict[str, Any] = json.loads(said.splitlines()[-1])
    assert document["is_fit"] is (code == 0)
    findings = (
        Finding(f["level"], f["what"], f["found"], f["wanted"] or "", f["todo"] or "")
        for f in document["findings"]
    )
    return {one.what: one for one in findings}


def install(box: Host, name: str, script: str) -> None:
    """Put a program before all others of that name on a box."""
    path = f"/usr/local/bin/{name}"
    box.exec(f"printf %s {shlex.quote(script)} > {path}; chmod 755 {path}")


def levels(found: dict[str, Finding]) -> dict[str, str]:
    """Give what is not as it should be."""
    return {one.what: one.level for one in found.values() if one.level != "ok"}


# --- real boxes ---------------------------------------------------------------------


@pytest.mark.lab
def test_a_box_that_lacks_nothing_is_fit(remote: Remote, box: Host, lab: Lab) -> None:
    """One login, two sessions, nothing left there; the next verb finds it open."""
    remote.on(box, lab, TINY)

    found = examined(remote, "--host", "gpu")

    assert levels(found) == {}
    assert {"address", "keys", "host key", "login", "python", "git"} < set(found)
    assert found["clock"].found.startswith("within 0.")
    assert box.count_connections() == 1
    assert box.exec("grep -c 'Starting session' /var/log/sshd.log").strip() == "2"
    assert box.exec("ls -A /root").split() == [".ssh"]


@pytest.mark.lab
def test_it_takes_few_round_trips(remote: Remote, box: Host, lab: Lab) -> None:
    """Over an open connection: what distance adds is less than eight of them."""
    remote.on(box, lab, TINY)
    examined(remote, "--host", "gpu")
    near_s = min(_seconds(remote) for _ in range(2))

    box.shape(delay_ms=200)
    far_s = min(_seconds(remote) for _ in range(2))

    assert far_s - near_s < 8 * 0.4


def _seconds(remote: Remote) -> float:
    began = time.monotonic()
    examined(remote, "--host", "gpu")
    return time.monotonic() - began


@pytest.mark.lab
def test_every_ill_of_a_box_is_told_at_once(remote: Remote, lab: Lab) -> None:
    """None hides another; each says what to type, and the login is not in vain."""
    text = TINY.replace("one: {", "one: {gpus: 2, ") + "env: {lock: lock.txt}\n"
    remote.write("lock.txt", "torch==2.5.1+cu124\n")
    with lab.host(f"ill{lab.made}", hide_tools=("git", "rsync", "uv")) as box:
        remote.on(box, lab, text)
        for name in ("python3", "python3.10", "python3.12", "python3.13"):
            install(box, name, OLD_PYTHON)
        install(box, "nvidia-smi", SMI)
        install(box, "date", LATE)
        box.exec(f"printf %s {shlex.quote(CHATTY)} > /root/.bashrc")

        found = examined(remote, "--host", "gpu", code=6)

    assert levels(found) == {
        "login shell": "fail",
        "git": "fail",
        "python": "fail",
        "rsync": "warn",
        "clock": "warn",
        "gpu": "fail",
        "cuda": "fail",
        "gpu processes": "warn",
    }
    assert found["login shell"].found.startswith("bash, prints 'Welcome to the box'")
    assert "~/.bashrc" in found["login shell"].todo
    assert found["python"].found == "3.8.10, python3"
    assert "hosts.gpu.python: python3.1" in found["python"].todo
    assert found["clock"].found.endswith("behind this machine's")
    assert found["gpu"].wanted == "stage 'one' wants 2"
    assert "knows CUDA 11.8; the lock has torch 2.5.1+cu124" in found["cuda"].found
    assert "pid 1, root, 4.09 GB" in found["gpu processes"].found
    assert all(one.todo for one in found.values() if one.level != "ok")


@pytest.mark.lab
def test_a_run_at_work_is_named(remote: Remote, box: Host, lab: Lab) -> None:
    """By whichever project; here our own, whose lock its runner holds."""
    remote.on(box, lab, SLOW)
    remote.pipeline("run", "--host", "gpu", "--detach")

    found = examined(remote, "--host", "gpu")
    remote.pipeline("stop")

    assert found["other runs"].found.startswith(f"at work: {remote.run_id} (slow-")


@pytest.mark.lab
def test_a_full_disk_is_told(remote: Remote, lab: Lab) -> None:
    """The rest is still answered."""
    with lab.host(f"full{lab.made}", disk_mb=48) as box:
        remote.on(box, lab, TINY)
        box.exec("cat /dev/zero > /root/zeros", check=False)

        found = examined(remote, "--host", "gpu", code=6)

    assert levels(found)["disk"] == "fail"
    assert found["python"].level == "ok"


@pytest.mark.lab
def test_a_home_that_cannot_be_written_to_is_told(
    remote: Remote, box: Host, lab: Lab
) -> None:
    """And so is one from which no program runs."""
    remote.on(box, lab, TINY, user="ubuntu")
    box.exec("chown root /home/ubuntu; chmod 755 /home/ubuntu")
    closed = examined(remote, "--host", "gpu", code=6)
    box.exec("mkdir -m 777 /home/ubuntu/.pipeline")
    box.exec("mount -t tmpfs -o noexec,mode=777 none /home/ubuntu/.pipeline")
    noexec = examined(remote, "--host", "gpu", code=6)

    assert "cannot be written to" in closed["write rights"].found
    assert "Permission denied" in closed["write rights"].found
    assert "no program runs from it" in noexec["write rights"].found


@pytest.mark.lab
def test_a_login_that_fails_leaves_one_thing_to_type(
    remote: Remote, box: Host, lab: Lab
) -> None:
    """All that was known before is told; the code says whose fault it was."""
    remote.on(box, lab, TINY)
    box.refuse()
    off = examined(remote, "--host", "gpu", code=5)
    box.heal()
    box.exec("rm /root/.ssh/authorized_keys")
    refused = examined(remote, "--host", "gpu", code=6)

    assert list(off)[-1] == "login"
    assert off["keys"].level == "ok"
    assert "Connection refused" in off["login"].found
    assert list(refused)[-1] == "login"
    assert "Permission denied (publickey)" in refused["login"].found
    assert "BatchMode=yes" in refused["login"].todo


@pytest.mark.lab
def test_a_changed_host_key_ends_the_examination(
    remote: Remote, box: Host, lab: Lab
) -> None:
    """Nothing is asked of a machine that may be another."""
    remote.on(box, lab, TINY)
    box.stop()
    box.new_host_key()
    box.boot()

    found = examined(remote, "--host", "gpu", code=6)

    assert list(found)[-1] == "host key"
    assert found["host key"].found == "its host key is not the one known here"
    assert "ssh-keygen -R" in found["host key"].todo


@pytest.mark.lab
def test_too_few_sessions_are_told(remote: Remote, box: Host, lab: Lab) -> None:
    """Two were tried at once; a box may allow one on each connection."""
    remote.on(box, lab, TINY)
    box.exec("echo MaxSessions 1 >> /etc/ssh/sshd_config; kill $(cat /run/sshd.pid)")
    box.start_sshd()

    found = examined(remote, "--host", "gpu")

    assert found["sessions"].level == "warn"
    assert "a single session (MaxSessions 1)" in found["sessions"].found


SHELLS = [name for name in ("dash", "fish", "tcsh", "zsh") if shutil.which(name)]


@pytest.mark.lab
@pytest.mark.parametrize("shell", [*SHELLS, "nologin"])
def test_any_login_shell_will_do(
    remote: Remote, box: Host, lab: Lab, shell: str
) -> None:
    """But one that runs no command is told, with what it said."""
    remote.on(box, lab, TINY, user="ubuntu")
    path = shutil.which(shell) or f"/usr/sbin/{shell}"
    box.exec(f"usermod -s {path} ubuntu")

    found = examined(remote, "--host", "gpu", code=6 if shell == "nologin" else 0)

    if shell == "nologin":
        assert "its login shell runs no command" in found["login"].found
    else:
        assert found["login shell"].found == f"{shell}, prints nothing"


@pytest.mark.lab
def test_an_address_will_do_where_there_is_no_pipeline(
    remote: Remote, box: Host, lab: Lab
) -> None:
    """The first thing to type on the first day."""
    ssh = remote.home / ".ssh"
    ssh.mkdir(mode=0o700)
    (ssh / "config").write_text(f"Include {lab.ssh_config}\n")
    (remote.repo / "pipeline.yaml").unlink()
    # OpenSSH asks the passwd file where home is; HOME does not bend it.
    said = remote.pipeline("doctor", "--host", f"root@{box.address}", code=None)

    assert f"root@{box.address} port 22" in said


@pytest.mark.lab
def test_a_key_that_nobody_can_unlock_is_named(
    remote: Remote, box: Host, lab: Lab
) -> None:
    """With the command that puts it into the agent; nobody is asked for the phrase."""
    remote.on(box, lab, TINY)
    locked = remote.home / "locked key"
    argv = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "phrase", "-f", locked)
    command.run(*argv)
    config = remote.home / "config"
    config.write_text(lab.ssh_config.read_text().replace(str(lab.key), f'"{locked}"'))
    text = (remote.repo / "pipeline.yaml").read_text()
    remote.write("pipeline.yaml", text.replace(str(lab.ssh_config), str(config)))

    found = examined(remote, "--host", "gpu", code=6)

    assert (found["keys"].level, found["login"].level) == ("warn", "fail")
    assert "is locked by a passphrase" in found["keys"].found
    assert found["keys"].todo == f"ssh-add {shlex.quote(str(locked))}"


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Path]:
    """Have an agent that holds nothing yet."""
    socket = Path(tempfile.mkdtemp(prefix="agent-")) / "s"
    with subprocess.Popen(["ssh-agent", "-D", "-a", socket]) as process:
        command.wait_until(socket.exists, timeout_s=10, what="an agent")
        yield socket
        process.terminate()
    socket.parent.rmdir()


@pytest.mark.lab
def test_a_locked_key_in_the_agent_will_do(
    remote: Remote, box: Host, lab: Lab, agent: Path
) -> None:
    """That is what agents are for."""
    locked = remote.home / "locked"
    command.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "phrase", "-f", locked)
    public = locked.with_suffix(".pub").read_text()
    box.exec(f"echo {shlex.quote(public)} > /root/.ssh/authorized_keys")
    ask = remote.home / "ask"
    ask.write_text("#!/bin/sh\necho phrase\n")
    ask.chmod(0o700)
    asked = {"SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force"}
    words = [f"{key}={value}" for key, value in asked.items()]
    command.run("env", *words, f"SSH_AUTH_SOCK={agent}", "ssh-add", "-q", locked)
    config = remote.home / "config"
    text = lab.ssh_config.read_text().replace(str(lab.key), str(locked))
    config.write_text(text.replace("IdentityAgent none", f"IdentityAgent {agent}"))
    remote.on(box, lab, TINY)
    text = (remote.repo / "pipeline.yaml").read_text()
    remote.write("pipeline.yaml", text.replace(str(lab.ssh_config), str(config)))

    found = examined(remote, "--host", "gpu")

    assert found["keys"] == ok("keys", f"{locked}, and 1 in the agent")


# --- this machine -------------------------------------------------------------------


def test_this_machine_is_examined_without_a_host(laptop: Laptop) -> None:
    """As a laptop and as a box; no pipeline.yaml is needed."""
    found = examined(laptop)

    assert {"ssh here", "ssh agent", "sockets", "python", "disk"} < set(found)
    assert "clock" not in found
    assert levels(found) == {}


def test_a_pipeline_with_mistakes_hides_nothing(laptop: Laptop) -> None:
    """It is no matter of this machine's; a note says where to look."""
    laptop.write("pipeline.yaml", "name: [")

    said = laptop.pipeline("doctor")

    assert "note: pipeline.yaml has mistakes: pipeline check" in said
    assert "this machine: fit for runs" in said


def test_an_unknown_host_is_a_mistake(chain: Laptop) -> None:
    """Those of pipeline.yaml are named."""
    said = chain.pipeline("doctor", "--host", "nope", code=2)

    assert "no host is called 'nope'" in said


@pytest.mark.parametrize("file", ["nope", "pipeline.yaml"])
def test_a_file_that_is_not_there_is_a_mistake(laptop: Laptop, file: str) -> None:
    """Named outright, it must be there."""
    assert "is not there" in laptop.pipeline("doctor", "--file", file, code=2)


# --- judgement ----------------------------------------------------------------------


def answers(**facts: str | tuple[str, ...]) -> Answers:
    """Give what a box might have said; a dot in a key is written as two underlines."""
    named = {
        key.replace("__", "."): value if isinstance(value, tuple) else (value,)
        for key, value in facts.items()
    }
    return Answers(facts=named)


def judged(findings: Iterable[Finding]) -> dict[str, Finding]:
    """Give findings by what was looked at."""
    return {one.what: one for one in findings}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("numpy==2.1\n", None),
        ("torchvision==0.20.1\n", None),
        ("# torch==2.5.1\n", None),
        ("torch==2.5.1\n", ("2.5.1", "")),
        ("torch==2.5.1+cu124\n", ("2.5.1+cu124", "12.4")),
        ("torch==2.5.1+cpu \\\n  --hash=sha256:0\n", ("2.5.1+cpu", "cpu")),
        ("Torch == 2.0.0+cu118 ; python_version > '3'", ("2.0.0+cu118", "11.8")),
        ("torch==2.9.0+cu130", ("2.9.0+cu130", "13.0")),
        (
            "--index-url https://download.pytorch.org/whl/cu121\ntorch==2.3.0\n",
            ("2.3.0", "12.1"),
        ),
        (
            "torch==2.5.1\nnvidia-cuda-runtime-cu12==12.4.127\n",
            ("2.5.1", "12.4"),
        ),
        ("nvidia-cublas-cu11==11.10.3.66\ntorch==1.13.1\n", ("1.13.1", "11")),
        (
            "torch @ https://x/whl/cu124/torch-2.5.1%2Bcu124-cp311-linux.whl\n",
            ("2.5.1+cu124", "12.4"),
        ),
        ("torch @ file:///x\n", ("file:///x", "")),
    ],
)
def test_the_lock_says_which_cuda_torch_is_built_for(
    text: str, wanted: tuple[str, str] | None
) -> None:
    """From its own version, its index, its wheel, or the libraries it brings."""
    found = torch_in(text)

    assert (found and (found.version, found.cuda)) == wanted


SMI_FACTS: dict[str, str | tuple[str, ...]] = {
    "smi__code": "0",
    "gpu": ("0, NVIDIA L4, 23034, 1, 550.1", "1, NVIDIA L4, 23034, 1, 550.1"),
    "cuda": "12.4",
}


@pytest.mark.parametrize(
    ("cuda", "built", "level"),
    [
        ("12.4", "12.8", "ok"),
        ("12.4", "13.0", "fail"),
        ("11.8", "12.1", "fail"),
        ("13.0", "11.8", "ok"),
        ("12.4", "cpu", "fail"),
        ("12.4", "", "ok"),
        ("", "13.0", "ok"),
    ],
)
def test_cuda_is_judged_by_its_major(cuda: str, built: str, level: str) -> None:
    """As the check before a run does; what is not known is no failure."""
    wanted = Wanted(gpus=1, on_gpu="train", torch="2.5", torch_cuda=built)

    found = judged(gpus.judge(answers(**{**SMI_FACTS, "cuda": cuda}), wanted))

    assert found["cuda"].level == level


def test_gpus_are_counted_and_foreign_processes_named() -> None:
    """Ours work below ~/.pipeline; others are told with user, number and memory."""
    apps = (
        "10|4000|ada|/home/ada/.pipeline/vq/runs/r/tree|python",
        "11|8000|bob|/home/bob|/opt/bin/train",
        "12|N/A|||[Not Found]",
        "broken",
    )
    wanted = Wanted(gpus=2, on_gpu="train")

    found = judged(gpus.judge(answers(**SMI_FACTS, app=apps), wanted))

    assert found["gpu"] == ok("gpu", "2 (NVIDIA L4 24.2 GB)")
    assert found["gpu processes"].found == (
        "train (pid 11, bob, 8.39 GB), [Not Found] (pid 12, unknown user,"
        " memory not known): none of our runs"
    )


@pytest.mark.parametrize(
    ("facts", "gpus_wanted", "level"),
    [
        ({}, 0, "ok"),
        ({}, 1, "fail"),
        ({"smi__code": "9", "gpu": "NVIDIA-SMI has failed"}, 1, "fail"),
        ({"smi__code": "9", "gpu": "NVIDIA-SMI has failed"}, 0, "ok"),
        ({"gpu__device": "1"}, 1, "fail"),
        (SMI_FACTS, 3, "fail"),
        ({**SMI_FACTS, "visible": "0"}, 1, "warn"),
        ({**SMI_FACTS, "gpu": "rubbish"}, 1, "fail"),
    ],
)
def test_gpus_are_wanted_by_stages(
    facts: dict[str, Any], gpus_wanted: int, level: str
) -> None:
    """Where no stage asks for one, none is missed."""
    wanted = Wanted(gpus=gpus_wanted, on_gpu="train")

    assert judged(gpus.judge(answers(**facts), wanted))["gpu"].level == level


@pytest.mark.parametrize(
    ("line", "torch", "level"),
    [
        ("/dev/x 100000000 50000000 50000000 50% /", "", "ok"),
        ("/dev/x 100000000 92000000 8000000 92% /", "", "ok"),
        ("/dev/x 100000000 92000000 8000000 92% /", "2.5", "warn"),
        ("/dev/x 100000000 99000000 1000000 99% /", "", "warn"),
        ("/dev/x 100000000 99900000 100000 100% /", "", "fail"),
        ("//nas/my share 100000 1 99999 1% /mnt/a b", "", "fail"),
        ("", "", "ok"),
        ("df: no such file", "", "ok"),
    ],
)
def test_the_disk_is_judged_by_what_is_to_come(
    line: str, torch: str, level: str
) -> None:
    """An environment with torch needs more; what is not known is no failure."""
    found = judged(room.judge(answers(disk=line), Wanted(torch=torch)))

    assert found["disk"].level == level


def test_a_containers_memory_is_its_own() -> None:
    """The machine's would be a promise that nobody keeps."""
    facts = answers(
        MemTotal="65536000 kB", MemAvailable="60000000 kB", mem__limit="8589934592"
    )

    found = judged(room.judge(facts, Wanted()))["memory"].found

    assert found.startswith("8.59 GB free of 8.59 GB (its container's limit")


@pytest.mark.parametrize(
    ("facts", "level"),
    [
        ({}, "ok"),
        ({"systemd": "1", "linger": "1", "kill__users": "b true"}, "ok"),
        ({"systemd": "1", "kill__users": "b true", "user": "ada"}, "fail"),
        ({"systemd": "1", "kill__users": "b false"}, "ok"),
    ],
)
def test_a_systemd_that_kills_at_logout_is_told(
    facts: dict[str, Any], level: str
) -> None:
    """Only linger keeps a run alive there."""
    found = judged(company.judge(answers(**facts)))["systemd"]

    assert found.level == level
    assert (found.todo == "on the box: loginctl enable-linger ada") is (level == "fail")


@pytest.mark.parametrize(
    ("skew_s", "round_trip_s", "level"),
    [
        (0.0, 0.1, "ok"),
        (4.0, 0.1, "ok"),
        (-6.0, 0.1, "warn"),
        (6.0, 8.0, "ok"),
        (1e9, 0.1, "warn"),
    ],
)
def test_a_clock_is_judged_beyond_what_can_be_measured(
    skew_s: float, round_trip_s: float, level: str
) -> None:
    """Half a round trip is how well it can be known."""
    facts = Answers(skew_s=skew_s, round_trip_s=round_trip_s)

    assert judged(tools.judge(facts, Wanted()))["clock"].level == level


@pytest.mark.parametrize(
    ("facts", "level"),
    [
        ({"py__version": "3.12.1", "py__venv": "1", "py__pip": "1"}, "ok"),
        ({"py__version": "3.12.1", "py__venv": "1", "py__pip": "0"}, "fail"),
        ({"py__version": "3.12.1", "py__venv": "0", "uv": "1"}, "ok"),
    ],
)
def test_a_python_must_be_able_to_make_environments(
    facts: dict[str, Any], level: str
) -> None:
    """Debian parts venv from python3; uv does without."""
    wanted = Wanted(host="gpu", env=Env(lock="lock.txt"))
    said = answers(place="/home/ubuntu/.pipeline", **facts)

    found = judged(tools.judge(said, wanted))

    assert found["environment"].level == level


@pytest.mark.parametrize(
    ("env", "facts", "level"),
    [
        (Env(conda="vq"), {}, "warn"),
        (Env(conda="vq"), {"env__found": "/opt/conda/envs/vq"}, "ok"),
        (Env(python="python9"), {}, "fail"),
        (Env(python="python9"), {"env__found": "python9"}, "ok"),
        (Env(setup=("make",)), {"uv": "1"}, "ok"),
    ],
)
def test_an_environment_is_looked_for(
    env: Env, facts: dict[str, Any], level: str
) -> None:
    """What conda keeps elsewhere is no failure: conda itself was not asked."""
    found = judged(tools.judge(answers(place="/root", **facts), Wanted(env=env)))

    assert found["environment"].level == level


@pytest.mark.parametrize("folder", ["miniconda3/envs/vq", ".hidden/vq"])
def test_a_conda_environment_is_found(tmp_path: Path, folder: str) -> None:
    """In the usual folders, or where conda noted it."""
    python = tmp_path / folder / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    notes = tmp_path / ".conda" / "environments.txt"
    notes.parent.mkdir()
    notes.write_text(f"/gone\n{tmp_path}/.hidden/vq\n")

    argv = probe.argv("python3", Env(conda="vq"))
    said = command.run(
        "env", f"HOME={tmp_path}", *argv, stdin=f"{probe.script().decode()}pong\n"
    )

    assert f"env.found={tmp_path / folder}" in said.splitlines()


def test_what_a_box_says_moves_nothing_on_the_screen() -> None:
    """A version may be an order to the terminal; it is shown as text."""
    evil = answers(
        git="git version 2.39\x1b]0;owned\x07\x1b[2J",
        shell="/bin/\x1b[31mbash",
        runner="/root/.pipeline/p/runs/../../x\x1b[A/runner.lock",
    )
    found = [*tools.judge(evil, Wanted()), *company.judge(evil)]

    said = "".join(f"{one.found}{one.wanted}{one.todo}" for one in tamed(found))

    assert said.isprintable() or "\n" in said
    assert "\x1b" not in said


def test_the_probe_is_sh_and_no_more(tmp_path: Path) -> None:
    """Dash and bash alone read it; each of its lines is a key and a value."""
    for shell in filter(shutil.which, ("dash", "bash", "busybox")):
        words = [shell, *(["sh"] if shell == "busybox" else [])]
        done = command.finished(
            *words,
            *probe.argv("python3")[1:],
            stdin=probe.script().decode() + "pong\n",
        )
        lines = done.stdout.splitlines()[1:]

        assert done.stderr == "", shell
        assert lines[0] == "ping=1"
        assert lines[-1] == "end=1"
        assert all("=" in line for line in lines)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "says",
    ["yes hello", "echo 'pipeline: begin'; yes a=b", "head -c 3000000 /dev/urandom"],
)
def test_a_box_that_never_ends_is_not_heard_to_the_end(says: str) -> None:
    """Neither memory nor time is spent on it, and little of it is shown."""
    began = time.monotonic()

    told = _Dialogue(LocalProcess(["sh", "-c", says])).hold()

    assert told.error
    assert len(str(told.error)) < 300
    assert time.monotonic() - began < 10


def test_python_is_named_as_commands_find_it(laptop: Laptop) -> None:
    """They start in the home: `~/x` is a file right there."""
    from pipeline.layout import LaptopPaths
    from pipeline.schema import Host as Spec

    host = Spec(name="gpu", ssh="gpu", python="~/venv/bin/python")

    wanted = verb._wanted(None, host, LaptopPaths(laptop.repo))

    assert wanted.python == "./venv/bin/python"
