"""Wheels made by hand, so that an environment can be built without a network."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from pathlib import Path


def make_wheel(
    folder: Path, name: str, version: str = "1.0", files: dict[str, str] | None = None
) -> Path:
    """Put a wheel into a folder: with a module of its name, or with these files."""
    folder.mkdir(parents=True, exist_ok=True)
    note = f"{name}-{version}.dist-info"
    texts = files or {f"{name}.py": f"VERSION = {version!r}\n"}
    texts = {
        **texts,
        f"{note}/METADATA": (
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        ),
        f"{note}/WHEEL": (
            "Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: true\n"
            "Tag: py3-none-any\n"
        ),
    }
    record = "".join(f"{n},{_hash(t)},{len(t)}\n" for n, t in texts.items())
    texts[f"{note}/RECORD"] = f"{record}{note}/RECORD,,\n"
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for file, text in texts.items():
            wheel.writestr(file, text)
    return path


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
