"""The pipeline that goes over the wire, and the programs that stand on both ends.

one    a table of numbers for people, large next to what a slow cable takes: the mirror
two    a file that is sealed in git: the fetch; it prints until it is let go
three  a file too large for git, which stays in the store: the pull
"""

from __future__ import annotations

PIPELINE = """\
name: wire
params: {seed: 3}
heartbeat: {every: 1s}
sync: {every: 1s}
git: {max_file: 2MB}
env: {setup: [sh wait.sh environment]}
stages:
  one:
    sh: |
      sh wait.sh one
      seq 300000 > $RESULTS/table.txt
      echo one > $OUT/one.txt
    outputs: [one.txt]
  two:
    sh: |
      cat {one/one.txt} > $OUT/two.txt; echo two {seed} >> $OUT/two.txt
      python3 noise.py 1500000 > $OUT/noise.bin
      sh wait.sh two
      printf '{"x": 1}' > $RESULTS/metrics.json
    outputs: [two.txt, noise.bin]
    gates: [x >= 1]
  three:
    sh: |
      sh wait.sh three
      python3 noise.py 2500000 > $OUT/large.bin
      cat {two/two.txt} > $OUT/three.txt
    inputs: [two/two.txt]
    outputs: [three.txt, large.bin]
hosts:
  gpu: {ssh: ALIAS, config: CONFIG, python: ~/python}
"""
STAGES = ("one", "two", "three")
TABLE_BYTES = 1_988_895
LARGE_BYTES = 2_500_000
SHIPPED_BYTES = 1_500_000

# A stage waits at a place for as long as a file of that name is there, and prints.
WAIT = """\
i=0
while [ -e ~/hold.$1 ]; do
  : > ~/waits.$1
  i=$((i + 1)); echo "$1 waits, line $i"
  sleep 0.05
done
"""
# Bytes that no git and no ssh makes smaller, and the same ones each time.
NOISE = """\
import random
import sys

sys.stdout.buffer.write(random.Random(1).randbytes(int(sys.argv[1])))
"""

# What the box calls Python. Where a test says so it stops at a point of the run, is too
# old, or is not there at all; else it is Debian's own.
PYTHON = """\
#!/bin/sh
[ -e ~/halt ] && PIPELINE_HALT_AT=$(cat ~/halt) && export PIPELINE_HALT_AT
[ -e ~/other-python ] && exec /usr/bin/python3 -I -S ~/other-python "$@"
exec /usr/bin/python3 "$@"
"""
_START = """\
import os, runpy, sys
sys.argv = sys.argv[3:]  # less the two options that each Python is started with
if not os.path.exists(sys.argv[0]):
    print("can't open file", sys.argv[0], file=sys.stderr)
    sys.exit(2)
"""
_GO = """\
runpy.run_path(sys.argv[0], run_name="__main__")
"""
OLD = f"""\
{_START}
sys.version_info = (3, 8, 10, "final", 0)
{_GO}
"""
# Its time of day is off; what counts ticks is not.
OFF = f"""\
{_START}
import datetime
class Off(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return super().now(tz) + datetime.timedelta(hours=HOURS)
datetime.datetime = Off
{_GO}
"""
# A venv with a pip takes seconds, and is not what is tried here.
UV = """\
#!/bin/sh
exec "$3" -I -m venv --without-pip "$4"
"""
# The ssh of the laptop notices a dead link after 3 to 4 s, which takes it 15 to 20 s in
# life. Of two values of one option ssh takes the first.
SSH = """\
#!/bin/sh
exec /usr/bin/ssh -o ServerAliveInterval=1 -o ServerAliveCountMax=3 \\
  -o ConnectTimeout=3 "$@"
"""
