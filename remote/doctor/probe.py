"""The questions to a box: one POSIX sh script, which needs no program to be there.

It answers `key=value` lines, each as soon as it is known, so that a question on which
the box hangs (a dead network disk, a GPU that is gone) does not cost the others. What a
user named comes as an argument: `$1` is the Python to ask, `$2` the kind of the stages'
environment, `$3` its name. Between `ping` and `now` it waits for a line from us: the
one round trip by which distance and clock are measured. At its end it waits for its
stdin to close, so that a second session meets the first.
"""

from __future__ import annotations

from pipeline.schema import Env
from remote.links.flow import BEGIN, spoken

ANY = Env()

_ASK_PYTHON = """\
import importlib.util as u, locale, sys
print("version=%d.%d.%d" % sys.version_info[:3])
print("executable=" + sys.executable)
print("encoding=" + locale.getpreferredencoding(False))
print("venv=%d" % (u.find_spec("venv") is not None))
print("pip=%d" % (u.find_spec("ensurepip") is not None))
"""

SCRIPT = r"""
say() { printf '%s=%s\n' "$1" "$2"; }
has() { command -v "$1" >/dev/null 2>&1; }
if has timeout; then within() { timeout 10 "$@" </dev/null; }
else within() { "$@" </dev/null; }; fi
first() { within "$@" 2>&1 | head -c 300 | head -n 1; }

say ping 1
read -r _
say now "$(date +%s.%N)"

say system "$(uname -srm)"
say user "$(id -un 2>/dev/null || id -u)"
say shell "$SHELL"
say path "$PATH"
for name in apt-get dnf yum apk pacman zypper brew; do
  has "$name" && say installer "$name"
done
has git && say git "$(first git --version)"
has rsync && say rsync "$(first rsync --version)"
has tar && say tar "$(first tar --version)"
{ has uv || [ -x "$HOME/.local/bin/uv" ]; } && say uv 1
say charmap "$(locale charmap 2>/dev/null)"

if has "$1"; then
  said=$(within "$1" -I -S -c 'ASK_PYTHON' 2>&1)
  say py.code $?
  printf '%s\n' "$said" | sed 's/^/py./'
fi
case $2 in
python)
  has "$3" && say env.found "$3"
  ;;
conda)
  for above in "$HOME" "$HOME/.local/share" /opt /usr/local /opt/homebrew/Caskroom; do
    for name in miniforge mambaforge miniconda anaconda micromamba mamba conda; do
      for root in "$above/${name}3" "$above/$name"; do
        [ "$3" = base ] && [ -x "$root/bin/python" ] && say env.found "$root"
        [ -x "$root/envs/$3/bin/python" ] && say env.found "$root/envs/$3"
      done
    done
  done
  [ -r "$HOME/.conda/environments.txt" ] && while read -r place; do
    case $place in
    "$3" | */"$3") [ -x "$place/bin/python" ] && say env.found "$place" ;;
    esac
  done <"$HOME/.conda/environments.txt"
  ;;
esac
for name in python3.14 python3.13 python3.12 python3.11 python3.10 python3; do
  has "$name" && say has.python "$name"
done

place=$HOME/.pipeline
[ -e "$place" ] || [ -L "$place" ] || place=$HOME
say place "$place"
draft=$place/.doctor.$$
if said=$( (umask 077; printf '#!/bin/sh\nexit 0\n' >"$draft") 2>&1 ) &&
  [ -s "$draft" ]; then
  say write 1
  chmod 700 "$draft"
  if said=$("$draft" 2>&1); then say exec 1; else say exec.no "$said"; fi
else
  said=$(printf '%s' "${said:-nothing could be written}" | tr '\n' ' ')
  say write.no "${said##*eval: }"  # without how a shell names itself
fi
rm -f "$draft" 2>/dev/null

say disk "$(within df -Pk "$place" 2>/dev/null | tail -n 1)"
say inodes "$(within df -Pi "$place" 2>/dev/null | tail -n 1)"
for key in MemTotal MemAvailable; do
  [ -r /proc/meminfo ] && say "$key" "$(sed -n "s/^$key: *//p" /proc/meminfo)"
done
for file in memory.max memory/memory.limit_in_bytes; do
  [ -r "/sys/fs/cgroup/$file" ] && say mem.limit "$(cat "/sys/fs/cgroup/$file")"
done
has sysctl && [ ! -r /proc/meminfo ] && say mem.size "$(sysctl -n hw.memsize)"
say cpus "$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)"

if [ -d /run/systemd/system ]; then
  say systemd 1
  [ -e "/var/lib/systemd/linger/$(id -un)" ] && say linger 1
  has busctl && say kill.users "$(first busctl get-property org.freedesktop.login1 \
    /org/freedesktop/login1 org.freedesktop.login1.Manager KillUserProcesses)"
fi
say max.sessions "$(cat /etc/ssh/sshd_config.d/*.conf /etc/ssh/sshd_config \
  2>/dev/null | awk 'tolower($1) == "maxsessions" { print $2; exit }')"

if [ -r /proc/locks ]; then
  say locks 1
  held=" $(awk '$2 == "FLOCK" { split($6, at, ":"); printf "%s ", at[3] }' /proc/locks)"
  ls -i "$HOME"/.pipeline/*/runs/*/runner.lock 2>/dev/null |
  while read -r inode path; do
    case $held in *" $inode "*) say runner "$path" ;; esac
  done
fi

if has nvidia-smi; then
  said=$(within nvidia-smi --format=csv,noheader,nounits \
    --query-gpu=index,name,memory.total,memory.used,driver_version 2>&1)
  say smi.code $?
  printf '%s\n' "$said" | sed 's/^/gpu=/'
  say cuda "$(within nvidia-smi 2>/dev/null |
    sed -n 's/.*CUDA Version: *\([0-9.]*\).*/\1/p' | head -n 1)"
  within nvidia-smi --format=csv,noheader,nounits \
    --query-compute-apps=pid,used_memory,process_name 2>/dev/null |
  while IFS=' ,' read -r pid memory name; do
    case $pid in '' | *[!0-9]*) continue ;; esac
    user=$(ps -o user= -p "$pid" 2>/dev/null)
    say app "$pid|$memory|$user|$(readlink "/proc/$pid/cwd" 2>/dev/null)|$name"
  done
elif ls /dev/nvidia[0-9]* >/dev/null 2>&1; then
  say gpu.device 1
fi
say visible "${CUDA_VISIBLE_DEVICES-}"
say end 1
cat >/dev/null
"""


def script() -> bytes:
    """Give the script; Python's own part of it has no single quote."""
    return SCRIPT.replace("ASK_PYTHON", _ASK_PYTHON).encode()


def argv(python: str, env: Env = ANY) -> list[str]:
    """Give the command that reads the script, and only that, from its stdin.

    One line, which csh and fish read as sh does.
    """
    begin = f'echo "{BEGIN.decode().strip()}"; eval "$(head -c "$0")"'
    named = [env.kind, env.python or env.conda]
    return ["sh", "-c", begin, str(len(script())), python, *named]


def line(python: str, env: Env = ANY) -> str:
    """Give that command as the login shell of a box reads it."""
    return spoken(argv(python, env))
