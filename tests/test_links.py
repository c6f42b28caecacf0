"""Every link keeps one contract: this machine, the OpenSSH client, and paramiko.

The far side is a real sshd. What a link promises is tested over all of them at once;
what is only one's own is tested below that.
"""

from __future__ import annotations

import io
import itertools
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.errors import HostError, PipelineError, SpecError, TransportError
from pipeline.schema import Host as Spec
from pipeline.schema import LinkKind
from remote import hosts
from remote.links import command, flow, login, openssh
from remote.links.here import Here
from remote.links.lasting import Lasting
from remote.links.openssh import Address, OpenSsh
from tests.lab.command import wait_until

if TYPE_CHECKING:
    from remote.links.link import Link, Stream
    from tests.lab import Host, Lab

Open = Callable[..., "Link"]

SOON_S = 10.0
DEAD_S = openssh.ALIVE_EVERY_S * (openssh.ALIVE_MISSES + 1) + 5.0
PYTHON = "/usr/bin/python3"
BULK = os.urandom(1 << 20) * 5
KINDS: tuple[LinkKind, ...] = ("openssh", "lasting")
ODD = (
    *("two words", "", " ", "it's", '"double"', "$HOME", "$(id)", "`id`", "a;b", "a&b"),
    *("back\\slash", "two\\\\slashes", "\\'", "end\\", "new\nline", "tab\t", "*", "?"),
    *(
        "~",
        "~root",
        "#no",
        "!no",
        "%s",
        "^a",
        "=ls",
        "a=b",
        "{a,b}",
        "-n",
        "--",
        "é→🐕",
    ),
    "\udcff",
)
SHELLS = tuple(name for name in ("dash", "fish", "tcsh", "zsh") if shutil.which(name))


@pytest.fixture(autouse=True, scope="module")
def sockets() -> Iterator[Path]:
    """Keep the masters of these tests apart from those of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setenv("XDG_RUNTIME_DIR", folder)
        yield Path(folder)


@pytest.fixture(scope="module")
def quiet_box(lab: Lab) -> Iterator[Host]:
    """Give a box for tests that do no harm."""
    with lab.host(f"quiet{lab.made}") as box:
        yield box


@pytest.fixture
def open_link(lab: Lab) -> Iterator[Open]:
    """Open links by kind and alias, and end their connections afterwards."""
    opened: list[tuple[Link, OpenSsh]] = []

    def opener(kind: str, alias: str, *, config: Path | None = None) -> Link:
        spec = Spec(name="ec2", ssh=alias, config=str(config or lab.ssh_config))
        box = hosts.link_to(spec)
        assert isinstance(box, OpenSsh)
        link = Lasting(box) if kind == "lasting" else box
        opened.append((link, box))
        return link

    yield opener
    for link, box in opened:
        link.close()
        box.disconnect()


@pytest.fixture(
    params=[
        "here",
        *(
            pytest.param((kind, user), marks=pytest.mark.lab, id=f"{kind}{user}")
            for kind in KINDS
            for user in ("", "-ubuntu")
        ),
    ]
)
def link(request: pytest.FixtureRequest, tmp_path: Path) -> Link:
    """Every way to a place where runs live."""
    if request.param == "here":
        return Here(home=tmp_path)
    kind, user = request.param
    box: Host = request.getfixturevalue("quiet_box")
    opener: Open = request.getfixturevalue("open_link")
    return opener(kind, f"{box.name}{user}")


@pytest.fixture(params=KINDS)
def far(request: pytest.FixtureRequest, box: Host, open_link: Open) -> Link:
    """Both ways to a box of this test's own."""
    return open_link(request.param, box.name)


def alive(link: Link, pid: bytes) -> bool:
    """Tell whether a process lives there."""
    return link.call(["kill", "-0", pid.decode()], timeout_s=SOON_S).code == 0


def failure(link: Link, *argv: str, timeout_s: float = SOON_S) -> PipelineError:
    """Call, and give what was raised."""
    with pytest.raises(PipelineError) as caught:
        link.call(argv or ["true"], timeout_s=timeout_s)
    return caught.value


def first(link: Link, script: str) -> bytes:
    """Give the first thing a script says, and end it."""
    stream = link.stream(["sh", "-c", script])
    try:
        return stream.read(SOON_S) or b""
    finally:
        stream.close()


def ending(stream: Stream, within_s: float) -> PipelineError | None:
    """Read until the end, close, and give what was raised."""
    deadline = time.monotonic() + within_s
    try:
        while time.monotonic() < deadline and stream.read(1.0) != b"":
            pass
    except PipelineError as error:
        return error
    finally:
        stream.close()
    return None


def is_running(pid: int) -> bool:
    """Tell whether a process of this machine lives, and is not merely unburied."""
    state = command.run(["ps", "-o", "stat=", "-p", str(pid)], timeout_s=SOON_S).out
    return bool(state) and not state.startswith(b"Z")


# ------------------------------------------------------------------------- the contract


def test_a_call_gives_code_output_and_complaints(link: Link) -> None:
    """What a command answers comes back, and a code of its own is no error."""
    done = link.call(["sh", "-c", "echo out; echo err >&2; exit 7"], timeout_s=SOON_S)

    assert (done.code, done.out, done.err) == (7, b"out\n", b"err\n")


def test_commands_start_in_the_home(link: Link) -> None:
    """A relative path is relative to the home of whoever we are there."""
    link.call(["touch", "a mark"], timeout_s=SOON_S)

    homes = link.call(["sh", "-c", 'cd "$1"; ls', "sh", "."], timeout_s=SOON_S)

    assert b"a mark\n" in homes.out


def test_arguments_arrive_as_they_left(link: Link) -> None:
    """No shell reads a word of them."""
    echo = "import sys, os; print([os.fsencode(a) for a in sys.argv[1:]])"

    done = link.call([PYTHON, "-c", echo, *ODD], timeout_s=SOON_S)

    assert done.out.decode() == f"{[os.fsencode(word) for word in ODD]}\n"


def test_a_program_is_never_the_shells_own(link: Link) -> None:
    """`echo` is /bin/echo everywhere, whose backslashes are backslashes."""
    done = link.call(["echo", "a\\nb"], timeout_s=SOON_S)

    assert done.out == b"a\\nb\n"


def test_five_megabytes_go_and_come_unchanged(link: Link) -> None:
    """Any byte travels, in both directions at once."""
    done = link.call(["cat"], stdin=BULK, timeout_s=30.0)

    assert done.out == BULK


def test_much_is_said_on_both_sides_without_a_deadlock(link: Link) -> None:
    """Output and complaints are taken as they come, whichever is first."""
    say = "import sys; d=b'x'*5_000_000; sys.stderr.buffer.write(d); print(len(d))"

    done = link.call([PYTHON, "-c", say], timeout_s=30.0)

    assert (done.out, len(done.err)) == (b"5000000\n", 5_000_000)


@pytest.mark.parametrize(
    "source",
    [b"abc" * 20_000, io.BytesIO(b"abc" * 20_000), [b"abc"] * 20_000, b"", []],
    ids=["bytes", "file", "chunks", "nothing", "no chunks"],
)
def test_stdin_may_be_bytes_or_a_file_or_chunks(link: Link, source: object) -> None:
    """Whatever it is, the command reads it to its end."""
    if isinstance(source, io.BytesIO):
        source.seek(0)
    wanted = 0 if source in (b"", []) else 60_000

    done = link.call(["wc", "-c"], stdin=source, timeout_s=SOON_S)  # type: ignore[arg-type]  # a table of three kinds

    assert int(done.out) == wanted


def test_a_command_need_not_read_its_stdin(link: Link) -> None:
    """One that ends before it has read everything ends the call."""
    done = link.call(["true"], stdin=BULK, timeout_s=SOON_S)

    assert done.code == 0


def test_a_source_that_fails_is_heard_of(link: Link) -> None:
    """Half a stdin never passes for a whole one."""

    def torn() -> Iterator[bytes]:
        yield b"half"
        raise OSError("the disk broke")

    with pytest.raises(OSError, match="the disk broke"):
        link.call(["cat"], stdin=torn(), timeout_s=SOON_S)


def test_what_is_missing_there_is_127(link: Link) -> None:
    """As a shell would say; and no exception, for some callers have another way."""
    done = link.call(["no-such-program"], timeout_s=SOON_S)

    assert done.code == 127
    assert b"not found" in done.err


def test_a_killed_command_does_not_look_like_a_broken_link(link: Link) -> None:
    """It has a code that names the signal."""
    done = link.call(["sh", "-c", "kill -9 $$"], timeout_s=SOON_S)

    assert done.code == 128 + 9


def test_a_late_answer_is_the_networks_fault(link: Link) -> None:
    """After the time given nothing is known of the far side."""
    error = failure(link, "sleep", "60", timeout_s=0.7)

    assert isinstance(error, TransportError)
    assert str(error) == f"host {link.name!r}: no answer in 0.7 s"


def test_calls_may_run_beside_each_other(link: Link) -> None:
    """Threads share a link, and each gets its own answer."""

    def ask(number: int) -> bytes:
        return link.call(["echo", str(number)], timeout_s=SOON_S).out

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))

    assert answers == [f"{number}\n".encode() for number in range(8)]


def test_a_stream_speaks_while_its_command_runs(link: Link) -> None:
    """What is said comes at once; silence is None, and not the end."""
    stream = link.stream(["cat"], stdin=b"hello")

    said = stream.read(SOON_S), stream.read(0.1)

    stream.close()
    assert said == (b"hello", None)


def test_a_stream_that_ends_says_how(link: Link) -> None:
    """After the last bytes come b"", the code and the complaints."""
    stream = link.stream(["sh", "-c", "echo no >&2; exit 3"])

    ends = stream.read(SOON_S), stream.read(SOON_S)

    assert (ends, stream.code, stream.err) == ((b"", b""), 3, b"no\n")
    stream.close()


def test_a_large_stdin_of_a_stream_stays_open(link: Link) -> None:
    """It is fed while the stream is read, and the command waits for more."""
    stream = link.stream(["cat"], stdin=BULK)
    out = b""

    while len(out) < len(BULK):
        out += stream.read(SOON_S) or b""

    assert (out == BULK, stream.read(0.1)) == (True, None)
    stream.close()


def test_closing_a_stream_ends_its_command(link: Link) -> None:
    """The end of its stdin is how it knows."""
    stream = link.stream(["sh", "-c", "echo $$; exec cat"])
    pid = (stream.read(SOON_S) or b"").strip()
    assert alive(link, pid)

    stream.close()

    wait_until(lambda: not alive(link, pid), timeout_s=SOON_S, what="the end of cat")


def test_closing_does_not_wait_for_the_deaf(link: Link) -> None:
    """Neither for a command that reads no stdin, nor for one that never stops."""
    for script in ("exec sleep 60", "exec yes"):
        stream = link.stream(["sh", "-c", f"echo go; {script}"])
        stream.read(SOON_S)
        began = time.monotonic()

        stream.close()
        stream.close()

        assert time.monotonic() - began < flow.CLOSE_S + 2 * command.GRACE_S + 1


def test_a_stream_may_be_closed_before_it_is_read(link: Link) -> None:
    """Whoever changes his mind waits for nothing."""
    stream = link.stream(["cat"], stdin=BULK)

    stream.close()


# ------------------------------------------------------------------- a box behind SSH


@pytest.mark.lab
def test_twenty_calls_log_in_once(far: Link, box: Host) -> None:
    """A call is a channel of a connection that is there."""
    for _ in range(20):
        far.call(["true"], timeout_s=SOON_S)

    assert box.count_connections() == 1


@pytest.mark.lab
@pytest.mark.parametrize("shell", SHELLS)
def test_every_login_shell_reads_us_alike(far: Link, box: Host, shell: str) -> None:
    """Arguments and codes come through fish and csh as through bash."""
    box.exec(f"usermod -s /bin/{shell} root")
    echo = "import sys, os; print([os.fsencode(a) for a in sys.argv[1:]]); exit(9)"
    words = [word for word in ODD if shell != "tcsh" or not set(word) & set("\n!")]

    done = far.call([PYTHON, "-c", echo, *words], timeout_s=SOON_S)

    assert done.out.decode() == f"{[os.fsencode(word) for word in words]}\n"
    assert done.code == 9


@pytest.mark.lab
def test_a_shell_that_chatters_is_named(far: Link, box: Host) -> None:
    """Else git and rsync would break on it, and say something stranger."""
    box.exec("echo 'echo Welcome, $USER' > .bashrc")

    error = failure(far)

    assert isinstance(error, HostError)
    assert str(error) == (
        "host 'ec2': its login shell prints 'Welcome, root'\n"
        "  git and rsync break on that: let ~/.bashrc there (or ~/.zshenv,"
        " config.fish) print only in interactive shells"
    )


@pytest.mark.lab
def test_a_shell_that_runs_nothing_is_named(far: Link, box: Host) -> None:
    """As that of an account nobody may log in to."""
    box.exec("usermod -s /usr/sbin/nologin root")

    error = failure(far)

    assert isinstance(error, HostError)
    assert "its login shell runs no command: 'This account is" in str(error)


@pytest.mark.lab
def test_a_refused_port_is_the_networks_fault(far: Link, box: Host) -> None:
    """The server may come back: one may ask again."""
    box.refuse()

    error = failure(far)

    assert isinstance(error, TransportError)
    assert "Connection refused" in str(error)


@pytest.mark.lab
@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_host_key_is_refused(
    kind: str, quiet_box: Host, open_link: Open, lab: Lab, tmp_path: Path
) -> None:
    """Nothing of ours trusts a key by itself, whatever the configuration says."""
    config = tmp_path / "config"
    lines = "UserKnownHostsFile /dev/null", "StrictHostKeyChecking no"
    config.write_text("\n".join([*lines, f"Include {lab.ssh_config}\n"]))

    error = failure(open_link(kind, quiet_box.name, config=config))

    assert isinstance(error, HostError)
    assert str(error) == (
        "host 'ec2': its host key is not known here\n"
        f"  log in once with: ssh -F {config} {quiet_box.name}"
    )


@pytest.mark.lab
def test_a_changed_host_key_is_refused(far: Link, box: Host) -> None:
    """Another machine may be answering."""
    box.stop()
    box.new_host_key()
    box.boot()

    error = failure(far)

    assert isinstance(error, HostError)
    assert "its host key is not the one known here" in str(error)


@pytest.mark.lab
@pytest.mark.parametrize("kind", KINDS)
def test_who_has_no_key_is_told_what_must_work(
    kind: str, quiet_box: Host, open_link: Open, lab: Lab, tmp_path: Path
) -> None:
    """Nothing ever waits for a password."""
    config = tmp_path / "config"
    config.write_text(lab.ssh_config.read_text().replace(str(lab.key), "/no/key"))

    error = failure(open_link(kind, quiet_box.name, config=config))

    assert isinstance(error, HostError)
    assert "Permission denied (publickey)" in str(error)
    assert error.hint.endswith(f"{quiet_box.name} -o BatchMode=yes true")


@pytest.mark.lab
@pytest.mark.parametrize(
    "fault",
    [
        "partition",
        pytest.param("power_off", marks=pytest.mark.slow),
        pytest.param("freeze", marks=pytest.mark.slow),
    ],
)
def test_a_dead_link_is_noticed(box: Host, open_link: Open, fault: str) -> None:
    """A stream in the middle of its work ends with the truth, and never hangs."""
    streams = [open_link(kind, box.name).stream(["cat"], stdin=b"go") for kind in KINDS]
    assert [stream.read(SOON_S) for stream in streams] == [b"go", b"go"]
    getattr(box, fault)()

    with ThreadPoolExecutor() as pool:
        for broken in pool.map(lambda stream: ending(stream, DEAD_S), streams):
            assert isinstance(broken, TransportError)
            assert str(broken) == "host 'ec2': the connection broke"


@pytest.mark.lab
def test_a_cut_upload_is_never_an_answer(far: Link, box: Host) -> None:
    """A call whose connection is cut in the middle of its stdin raises."""

    def endless() -> Iterator[bytes]:
        yield from itertools.repeat(b"x" * 100, 10)
        box.kill_sshd()
        yield from itertools.repeat(b"x" * 100)

    far.call(["true"], timeout_s=SOON_S)

    with pytest.raises(TransportError):
        far.call(["wc", "-c"], stdin=endless(), timeout_s=SOON_S)


@pytest.mark.lab
def test_a_box_that_rebooted_is_found_again(far: Link, box: Host) -> None:
    """At most the first call after it fails."""
    far.call(["true"], timeout_s=SOON_S)
    box.reboot()

    try:
        done = far.call(["uptime"], timeout_s=SOON_S)
    except TransportError:
        done = far.call(["uptime"], timeout_s=SOON_S)

    assert done.code == 0


# ------------------------------------------------------------------ the OpenSSH client


@pytest.mark.lab
def test_a_dead_master_is_replaced(box: Host, open_link: Open) -> None:
    """A socket left behind by a killed master stops nobody."""
    link = open_link("openssh", box.name)
    assert isinstance(link, OpenSsh)
    link.call(["true"], timeout_s=SOON_S)
    asked = command.run([*link.ssh, "-O", "check", box.name], timeout_s=SOON_S)
    os.kill(int(asked.err.split(b"pid=")[1].split(b")")[0]), 9)

    done = link.call(["echo", "back"], timeout_s=SOON_S)

    assert (done.out, box.count_connections()) == (b"back\n", 2)


@pytest.mark.lab
def test_the_next_command_finds_the_connection(box: Host, open_link: Open) -> None:
    """A closed link leaves its master to whoever comes next."""
    first_link = open_link("openssh", box.name)
    first_link.call(["true"], timeout_s=SOON_S)
    first_link.close()

    open_link("openssh", box.name).call(["true"], timeout_s=SOON_S)

    assert box.count_connections() == 1


@pytest.mark.lab
def test_git_and_rsync_ride_the_connection(
    box: Host, open_link: Open, tmp_path: Path
) -> None:
    """They log in no second time, and reach the same folders."""
    link = open_link("openssh", box.name)
    link.call(["git", "init", "-q", "--bare", "a folder/code.git"], timeout_s=SOON_S)
    link.call(["touch", "a-file"], timeout_s=SOON_S)
    env = {**os.environ, **link.git_env()}

    listed = ["git", "ls-remote", link.git_url("a folder/code.git")]
    subprocess.run(listed, env=env, check=True, capture_output=True)
    copied = ["rsync", *link.rsync_flags(), link.rsync_source("a-file"), str(tmp_path)]
    subprocess.run(copied, check=True, capture_output=True)

    assert (tmp_path / "a-file").exists()
    assert box.count_connections() == 1


@pytest.mark.lab
@pytest.mark.parametrize("kind", KINDS)
def test_an_alias_made_for_people_serves_us_too(
    kind: str, quiet_box: Host, open_link: Open, lab: Lab, tmp_path: Path
) -> None:
    """Its tmux, its tunnels and its verbosity are left out."""
    config = tmp_path / "config"
    config.write_text(
        "RemoteCommand tmux attach\nRequestTTY force\nLogLevel DEBUG\n"
        "LocalForward 22 localhost:22\nExitOnForwardFailure yes\nControlMaster no\n"
        f"PermitLocalCommand yes\nLocalCommand false\nInclude {lab.ssh_config}\n"
    )
    link = open_link(kind, quiet_box.name, config=config)

    done = link.call(["cat"], stdin=b"\n\x04\x03", timeout_s=SOON_S)

    assert (done.out, done.err) == (b"\n\x04\x03", b"")


@pytest.mark.lab
def test_settings_are_what_ssh_reads(quiet_box: Host, open_link: Open) -> None:
    """A name means here what it means to ssh."""
    link = open_link("openssh", f"{quiet_box.name}-ubuntu")
    assert isinstance(link, OpenSsh)

    settings = link.settings()

    assert settings["hostname"] == [quiet_box.address]
    assert settings["user"] == ["ubuntu"]


@pytest.mark.lab
@pytest.mark.parametrize("kind", KINDS)
def test_a_broken_configuration_is_named(
    kind: str, open_link: Open, tmp_path: Path
) -> None:
    """It is not taken for the network."""
    config = tmp_path / "config"
    config.write_text("NoSuchOption yes\n")

    error = failure(open_link(kind, "box", config=config))

    assert isinstance(error, HostError)
    assert "bad configuration option: nosuchoption" in str(error).lower()


@pytest.mark.lab
@pytest.mark.parametrize("kind", KINDS)
def test_a_name_nobody_knows_is_no_refusal(kind: str, open_link: Open) -> None:
    """This machine may be offline."""
    error = failure(open_link(kind, "no-such-box.invalid"))

    assert isinstance(error, TransportError)
    assert "no-such-box.invalid" in str(error)


def test_sockets_lie_in_a_private_folder(sockets: Path) -> None:
    """Nobody else may enter, and the path leaves ssh room for a socket's name."""
    folder = openssh.private_folder()

    assert (folder.parent, folder.stat().st_mode & 0o777) == (sockets, 0o700)
    assert len(str(folder)) <= openssh.LONGEST_FOLDER


def test_a_folder_others_may_enter_is_refused(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Someone else's master would see all that we say."""
    with tempfile.TemporaryDirectory() as runtime:
        (Path(runtime) / "pipeline").mkdir(mode=0o777)
        (Path(runtime) / "pipeline").chmod(0o777)
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)

        with pytest.raises(HostError, match="is not a private folder of yours"):
            openssh.private_folder()


def test_a_long_runtime_folder_is_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A socket's path has room for a hundred bytes."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / ("x" * 60)))
    (tmp_path / ("x" * 60)).mkdir()

    assert openssh.private_folder() == Path(f"/tmp/pipeline-{os.getuid()}")


# ----------------------------------------------------------------------------- paramiko


@pytest.mark.lab
def test_paramiko_logs_in_by_itself(box: Host, open_link: Open) -> None:
    """Where it can do as OpenSSH would, it does."""
    link = open_link("lasting", box.name)
    assert isinstance(link, Lasting)

    link.call(["true"], timeout_s=SOON_S)

    assert link.is_logged_in


@pytest.mark.lab
@pytest.mark.parametrize(
    "line",
    ["ProxyJump {jump}", "ProxyCommand ssh -F {lab} -W %h:%p {jump}"],
    ids=["jump", "command"],
)
def test_what_paramiko_cannot_do_is_left_to_openssh(
    line: str, quiet_box: Host, open_link: Open, lab: Lab, tmp_path: Path
) -> None:
    """The call is answered all the same."""
    config, name = tmp_path / "config", quiet_box.name
    told = line.format(jump=name, lab=lab.ssh_config)
    place = f"HostName {quiet_box.address}\nHostKeyAlias {name}\n{told}"
    config.write_text(f"Host round\n{place}\nMatch all\nInclude {lab.ssh_config}\n")
    link = open_link("lasting", "round", config=config)
    assert isinstance(link, Lasting)

    done = link.call(["echo", "there"], timeout_s=SOON_S)

    assert (done.out, link.is_logged_in) == (b"there\n", False)


@pytest.mark.lab
def test_more_sessions_than_one_connection_may_have(box: Host, open_link: Open) -> None:
    """The one too many goes by OpenSSH, which opens a connection for it."""
    box.exec("echo MaxSessions 1 > config; cat /etc/ssh/sshd_config >> config")
    box.exec("cp config /etc/ssh/sshd_config")
    box.kill_sshd()
    box.start_sshd()
    link = open_link("lasting", box.name)
    stream = link.stream(["cat"], stdin=b"held")
    assert stream.read(SOON_S) == b"held"

    done = link.call(["echo", "more"], timeout_s=SOON_S)

    assert done.out == b"more\n"
    stream.close()


@pytest.mark.lab
@pytest.mark.parametrize("kind", KINDS)
def test_a_revoked_host_key_is_refused(
    kind: str, quiet_box: Host, open_link: Open, lab: Lab, tmp_path: Path
) -> None:
    """There paramiko is not asked: it knows nothing of revocation."""
    known, config = tmp_path / "known", tmp_path / "config"
    key = quiet_box.known_key.strip()
    known.write_text(f"{quiet_box.name} {key}\n@revoked * {key}\n")
    config.write_text(f"UserKnownHostsFile {known}\nInclude {lab.ssh_config}\n")

    error = failure(open_link(kind, quiet_box.name, config=config))

    assert isinstance(error, HostError)


@pytest.mark.parametrize(
    "settings",
    [
        {"proxyjump": ["box"]},
        {"proxycommand": ["nc %h %p"]},
        {"certificatefile": ["cert"]},
        {"revokedhostkeys": ["file"]},
        {"addressfamily": ["inet6"]},
        {"identityagent": ["/run/other.sock"]},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_settings_beyond_paramiko_are_seen(settings: login.Settings) -> None:
    """They are asked about before anything is dialled."""
    with pytest.raises(login.Unfit):
        login.check(settings)


# ---------------------------------------------------------------------- the small parts


@given(st.lists(st.text(st.characters(exclude_characters="\0")), min_size=1))
@example(list(ODD))
@settings(deadline=None)
def test_a_spoken_line_is_read_back_by_a_shell(argv: list[str]) -> None:
    """POSIX reads it as it was; what fish and csh do is tested with real ones."""
    assert shlex.split(flow.spoken(argv)) == argv


@pytest.mark.parametrize(
    ("ssh", "address"),
    [
        ("gpu-box", Address("gpu-box")),
        ("me@gpu-box", Address("gpu-box", user="me")),
        ("me@10.0.0.1:2222", Address("10.0.0.1", user="me", port=2222)),
        ("gpu.example.org:22", Address("gpu.example.org", port=22)),
        ("[2001:db8::1]:2222", Address("2001:db8::1", port=2222)),
        ("me@[fe80::1%eth0]", Address("fe80::1%eth0", user="me")),
        ("2001:db8::1", Address("2001:db8::1")),
        ("me@corp@box", Address("box", user="me@corp")),
    ],
)
def test_an_address_is_read(ssh: str, address: Address) -> None:
    """An alias, or what an alias would say."""
    assert hosts.address(Spec(name="ec2", ssh=ssh)) == address


@pytest.mark.parametrize(
    "ssh",
    ["", "-oProxyCommand=x", "me@-box", "-me@box", "a b", "box:99999", "box:", "$(id)"],
)
def test_what_is_no_address_is_refused(ssh: str) -> None:
    """Above all what ssh would take for an option."""
    with pytest.raises(SpecError, match="is no address ssh could ask for"):
        hosts.address(Spec(name="ec2", ssh=ssh))


def test_git_and_rsync_get_ipv6_in_brackets() -> None:
    """A colon would end the name."""
    link = OpenSsh("ec2", Address("2001:db8::1", user="me", port=2222))

    assert link.git_url("code.git") == "[2001:db8::1]:code.git"
    assert "-l me -p 2222" in link.git_env()["GIT_SSH_COMMAND"]


def test_a_missing_configuration_is_the_users_to_mend(tmp_path: Path) -> None:
    """It is said before anything is dialled."""
    spec = Spec(name="ec2", ssh="box", config=str(tmp_path / "none"))

    with pytest.raises(SpecError, match="its ssh configuration is not there"):
        hosts.link_to(spec)


def test_no_host_is_this_machine() -> None:
    """`--host local` is the same code in the same folders."""
    assert hosts.link_to(None) == Here(home=Path.home())


def test_paramiko_is_not_loaded_unasked() -> None:
    """It takes longer than most calls."""
    script = "import sys, remote.hosts; sys.exit('paramiko' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_a_program_missing_here_is_named() -> None:
    """It is this machine that lacks it, and not the box."""
    with pytest.raises(HostError, match="'no-such-program' was not found"):
        command.run(["no-such-program"], timeout_s=SOON_S)


def test_a_command_has_a_session_of_its_own() -> None:
    """^C in the terminal reaches only us."""
    script = "import os; print(os.getsid(0) == os.getpid())"

    done = command.run([sys.executable, "-c", script], timeout_s=SOON_S)

    assert done.out == b"True\n"


def test_no_command_opens_a_window_to_ask() -> None:
    """Nothing waits for a password, the ssh of a jump host included."""
    done = command.run(["sh", "-c", "echo $SSH_ASKPASS_REQUIRE"], timeout_s=SOON_S)

    assert done.out == b"never\n"


def test_a_late_command_is_ended_with_all_it_started(tmp_path: Path) -> None:
    """A killed rsync leaves no ssh behind that goes on writing."""
    note = tmp_path / "pid"
    script = f"trap '' TERM; sleep 60 & echo $! > {note}; wait"

    with pytest.raises(TimeoutError):
        command.run(["sh", "-c", script], timeout_s=1.5)

    assert not is_running(int(note.read_text()))


def test_what_an_ended_command_left_running_lives_on() -> None:
    """As it would on a box, and nobody waits for it."""
    left = "sleep 60 </dev/null >/dev/null 2>&1 & echo $!"

    done = command.run(["sh", "-c", left], timeout_s=SOON_S)

    os.kill(int(done.out), 9)
