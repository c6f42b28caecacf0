"""Pack what a box needs into one file: runner.pyz, named by its hash.

Only stdlib inside, so a box needs python and git and nothing else. The same sources
have the same name. Compiled code lies beside them: a Python of the same version
starts at once, any other passes it over. Its bytes may differ from build to build, as
`marshal` writes them; what they do does not.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import marshal
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import CodeType

_NAMES = """
__init__ archive artifact attempt bars begin blobs box bundles bundles.contents
bundles.lint bundles.manifest bundles.whole carry census changes child clearing clock
codec collecting data data.contents data.datasets data.holding data.intake data.parcel
data.tending deaths debugging decision depot detach draft ending environments
environments.building environments.conda environments.distributions
environments.environment environments.packages environments.preflight
environments.recipe environments.sources errors eventlines eventlog events fence files
fingerprint follow foreground frames frozen gate git graph hashing heart inventory
keeper keeping lastword launch layout leavings ledger listener logs notify noting
objects offers opening orders past performance plan planning progress publishing pulse
rails readiness reads recount report report.blocks report.chapters report.diagrams
report.environs report.exhibits report.facts report.final report.layers report.lives
report.markdown report.page report.plain report.sections report.style resources
restoring revival reviving room roster runner schema scope seal sealing secrets
secrets.blot secrets.spelling secrets.values sketch stage store story supervise tally
tdd tdd.bench tdd.claim tdd.emptying tdd.evidence tdd.inside tdd.junit tdd.outcome
tdd.proof tdd.scratch tdd.session tdd.worker template ticks turn unit verify waiting
walk whereabouts wire workshop
"""
TRAVELS = tuple(_NAMES.split())
_MAIN = """\
import sys

if sys.version_info < (3, 10):
    version = ".".join(map(str, sys.version_info[:3]))
    said = ('{"error":"python on this box is ' + version + ', 3.10 or newer is needed",'
            '"hint":"name another one: hosts.NAME.python"}')
    print(said)
    sys.stderr.write(said + "\\n")  # read where frames or a tar go to stdout
    sys.exit(6)
from pipeline.box import main

sys.exit(main())
"""
_UNCHECKED = (1).to_bytes(4, "little")  # a .pyc that is taken as it is
_EPOCH = (1980, 1, 1, 0, 0, 0)


def sources() -> dict[str, bytes]:
    """Give the modules that travel, by their path in the archive."""
    here = Path(__file__).parent
    found = {}
    for name in TRAVELS:
        path = f"{name.replace('.', '/')}.py"
        if not (here / path).exists():  # a folder of them
            path = f"{name}/__init__.py"
        found[f"pipeline/{path}"] = (here / path).read_bytes()
    return found


def name_of(texts: dict[str, bytes]) -> str:
    """Name the archive by all that goes into it."""
    digest = hashlib.sha256(importlib.util.MAGIC_NUMBER + _MAIN.encode())
    for name, text in texts.items():
        digest.update(name.encode() + b"\0" + hashlib.sha256(text).digest())
    return digest.hexdigest()[:16] + ".pyz"


def build(texts: dict[str, bytes]) -> bytes:
    """Make the archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        _add(archive, "__main__.py", _MAIN.encode())
        for name, text in texts.items():
            _add(archive, name, text)
            code = compile(text, name, "exec", dont_inherit=True, optimize=0)
            _add(archive, name + "c", _pyc(code, text))
    return buffer.getvalue()


def _pyc(code: CodeType, text: bytes) -> bytes:
    head = importlib.util.MAGIC_NUMBER + _UNCHECKED + importlib.util.source_hash(text)
    return head + marshal.dumps(code)


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, _EPOCH), data)
