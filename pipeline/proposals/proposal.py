"""Which stages a repository seems to hold, each for itself.

Everything here is a guess, made from names and from what scripts say of themselves; so
each guess carries the words that say what it was made from.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from pipeline.frozen import dataclass
from pipeline.proposals.findings import Findings, programs
from pipeline.proposals.roles import ROLES, chosen, notebook_runner, role_of, whole
from pipeline.proposals.script import Script
from pipeline.reading.naming import path_flaw

if TYPE_CHECKING:
    from pipeline.proposals.script import Option

_SEED = re.compile(r"(random_?|manual_?|rng_?)?(seed|state)")
_TUNED = re.compile(
    r"epochs?|steps|.*iter.*|lr|learning_rate|.*batch.*|.*hidden.*|width|depth|layers|.*dim"
    r"|dropout|wd|weight_decay|momentum|gamma|alpha|beta|temperature|.*size|.*samples|n_.*"
    r"|num_(?!workers|gpus|proc).*|max_.*"
)
_OUT = re.compile(
    r"(out(put)?|save|results?|log|ckpt|checkpoints?|model|work|exp|figures?|plots?)"
    r"_?(dir|path|folder|file|root|to)?"
)
_MOST_PARAMS = 8


@dataclass(slots=True, kw_only=True)
class Proposed:
    """One stage as it would be written; `lacks` says why it is only a comment."""

    name: str
    source: str
    role: int
    words: list[str] = field(default_factory=list)
    params: dict[str, Any] = field(default_factory=dict)
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    collect: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    makes: dict[str, str] = field(default_factory=dict)
    seed: int | None = None
    lacks: str = ""


def stages_of(found: Findings, python: str) -> list[Proposed]:
    """Propose stages one by one; what goes between them is for `joining`."""
    stages = [_of_script(script, found, python) for script in chosen(found)]
    stages += _of_notebooks(found, python)
    if all(stage.lacks for stage in stages):
        stages += _of_commands(found)
    return [*_of_tests(found, python), *stages]


def _word(text: str) -> str:
    """Write a path as a shell reads it, and no placeholder in it."""
    return shlex.quote(text).replace("{", "{{").replace("}", "}}")


def _of_tests(found: Findings, python: str) -> list[Proposed]:
    """Run the tests first, so that no GPU works for code that is broken."""
    if not found.tests:
        return []
    words = [python, "-m", "pytest", "-q", _word(found.tests)]
    lacks = "" if found.has_pytest else "the Python of the stages has no pytest"
    return [Proposed(name="", source=found.tests, role=-1, words=words, lacks=lacks)]


def _of_script(script: Script, found: Findings, python: str) -> Proposed:
    stage = Proposed(name="", source=script.path, role=role_of(script.path))
    stage.role = len(ROLES) if stage.role < 0 else stage.role
    stage.words = [python, _word(script.path)]
    parts = whole(script, found)
    fixed = _read_by_others(script, found)
    for option in script.options:
        _say(option, script, stage, fixed)
    if script.entrance == "hydra":
        _say_config(script, found, stage)
    writes = [path for part in parts for path in part.writes]
    if script.entrance != "hydra":  # which changes into a folder of its own
        _note_made(_with_defaults(writes, script, stage), stage)
    stage.inputs += _data_of(parts, found)
    if not any(part.is_open_ended for part in parts) and script.entrance != "hydra":
        read = [path for part in parts for path in part.reads if path in found.files]
        stage.code = sorted({*(part.path for part in parts), *read})
    return stage


def _read_by_others(script: Script, found: Findings) -> tuple[str, ...]:
    """Give the fixed paths other programs read: there a script has to write."""
    others = [*programs(found), *found.notebooks.values()]
    return tuple(
        path for other in others if other is not script for path in other.reads
    )


def _say(
    option: Option, script: Script, stage: Proposed, fixed: tuple[str, ...]
) -> None:
    """Put an option into the command, where there is something to say of it."""
    name, default = option.dest, option.default
    is_number = isinstance(default, (int, float)) and not isinstance(default, bool)
    if not option.takes_value:
        return
    if _SEED.fullmatch(name):
        stage.words += [option.flag, "{seed}"]
        stage.seed = default if isinstance(default, int) else None
    elif is_number and _TUNED.fullmatch(name) and len(stage.params) < _MOST_PARAMS:
        stage.params[name] = default
        stage.words += [option.flag, f"{{{name}}}"]
    elif _is_out(option, script) and not _is_fixed(option, fixed):
        place = _place_of(option, script)
        stage.makes[f"<{name}>"] = place
        stage.words += [option.flag, place]
    elif option.is_required and default is None:
        stage.words += filter(None, [option.flag, name.upper()])
        stage.lacks = f"say {option.flag or name} first"


def _is_out(option: Option, script: Script) -> bool:
    """Tell whether an option says where to write, and `$OUT` may take its place."""
    mark = f"<{option.dest}>"
    if any(path.startswith(mark) for path in script.reads):
        return False
    if any(path.startswith(mark) for path in script.writes):
        return True
    is_text = option.default is None or isinstance(option.default, str)
    return is_text and _OUT.fullmatch(option.dest) is not None and bool(option.flag)


def _is_fixed(option: Option, fixed: tuple[str, ...]) -> bool:
    default = option.default if isinstance(option.default, str) else ""
    home = default.removeprefix("./").rstrip("/")
    return bool(home) and any(f"{path}/".startswith(f"{home}/") for path in fixed)


def _place_of(option: Option, script: Script) -> str:
    """Give the folder `$OUT`, or a file in it, as the option wants it."""
    mark = f"<{option.dest}>"
    uses = [path for path in script.writes if path.startswith(mark)]
    default = option.default if isinstance(option.default, str) else ""
    if mark in uses or (not uses and PurePosixPath(default).suffix):
        name = PurePosixPath(default).name or PurePosixPath(script.path).stem + ".out"
        return f"$OUT/{name}"
    return "$OUT"


def _data_of(parts: list[Script], found: Findings) -> list[str]:
    """Name the data sets whose folder is spoken of, in code or in a config file."""
    texts = [found.sources[part.path] for part in parts]
    if any(part.entrance == "hydra" for part in parts):
        texts += [t for n, t in found.sources.items() if n.endswith((".yaml", ".yml"))]
    return [
        f"data:{name_of_data(path)}"
        for path in found.data
        if any(re.search(rf"\b{re.escape(path)}[/\"']", text) for text in texts)
    ]


def name_of_data(path: str) -> str:
    """Name a data set by its folder."""
    return re.sub(r"[^A-Za-z0-9_]+", "_", path).strip("_")[:64] or "data"


def _say_config(script: Script, found: Findings, stage: Proposed) -> None:
    """Give overrides of a config tree: the seed and the numbers at its top."""
    folder, name = script.config
    home = PurePosixPath(script.path).parent / (folder.strip("*") or ".")
    for end in (".yaml", ".yml", ""):
        for key, value in _numbers_of(found, str(home / f"{name or 'config'}{end}")):
            if _SEED.fullmatch(key):
                stage.words.append(f"{key}={{seed}}")
                stage.seed = value if isinstance(value, int) else None
            elif _TUNED.fullmatch(key):
                stage.params[key] = value
                stage.words.append(f"{key}={{{key}}}")
    stage.collect.append("outputs/*")


def _numbers_of(found: Findings, path: str) -> list[tuple[str, float]]:
    text = found.sources.get(path, "")
    rows = re.findall(
        r"^([A-Za-z_]\w*):\s*(-?[\d.]+(?:e-?\d+)?)\s*(?:#.*)?$", text, re.MULTILINE
    )
    numbers = []
    for key, said in rows:
        try:
            numbers.append(
                (key, float(said) if re.search(r"[.e]", said) else int(said))
            )
        except ValueError:
            continue
    return numbers


def _with_defaults(paths: list[str], script: Script, stage: Proposed) -> list[str]:
    """Put the defaults of options that stay as they are into the paths."""
    for option in script.options:
        mark = f"<{option.dest}>"
        if isinstance(option.default, str) and mark not in stage.makes:
            paths = [path.replace(mark, option.default) for path in paths]
    return paths


def _note_made(paths: list[str], stage: Proposed) -> None:
    """Note what a stage makes: below `$OUT`, or elsewhere in its worktree."""
    for path in paths:
        if path.startswith("<"):
            _note_output(path, stage)
        elif path_flaw(path.rstrip("/")):
            continue
        elif not path.endswith("/") and path not in stage.collect:
            stage.collect.append(path)
    for folder in paths:
        is_used = any(path.startswith(folder) for path in stage.collect)
        is_plain = folder.endswith("/") and not path_flaw(folder)
        if is_plain and not folder.startswith("<") and not is_used:
            stage.collect.append(f"{folder}*")


def _note_output(path: str, stage: Proposed) -> None:
    mark, _, below = path.partition(">")
    home = stage.makes.get(f"{mark}>", "").removeprefix("$OUT").lstrip("/")
    if f"{mark}>" in stage.makes and "*" not in path and below.strip("/") == below[1:]:
        stage.makes[path] = "/".join(filter(None, [home, below[1:]])) or path


def _of_notebooks(found: Findings, python: str) -> list[Proposed]:
    """Run each notebook by what the repository has for it."""
    runner = notebook_runner(found)
    stages = []
    for path, cells in found.notebooks.items():
        here, name = _word(path), _word(PurePosixPath(path).name)
        stage = Proposed(name="", source=path, role=max(role_of(path), 6))
        if runner is not None:
            stage.words = [
                python,
                _word(runner.path),
                here,
                *_runner_words(runner, name),
            ]
        elif "papermill" in found.required:
            stage.words = ["papermill", here, f"$OUT/{name}"]
        else:
            stage.words = [
                *("jupyter", "nbconvert", "--to", "notebook", "--execute"),
                *("--output-dir", "$OUT", here),
            ]
            known = {"jupyter", "nbconvert", "jupyterlab", "notebook"}
            if not known & found.required:
                stage.lacks = "jupyter is in no list of requirements here"
        _note_made(list(cells.writes), stage)
        stage.outputs = [PurePosixPath(path).name]
        stages.append(stage)
    return stages


def _runner_words(runner: Script, name: str) -> list[str]:
    for option in runner.options:
        if option.flag and option.takes_value and _OUT.fullmatch(option.dest):
            return [option.flag, f"$OUT/{name}"]
    return []


def _of_commands(found: Findings) -> list[Proposed]:
    """Take targets of a Makefile and shell scripts, where no program was found."""
    named = [(f"make {t}", ["make", t]) for t in found.targets if role_of(t) >= 0]
    named += [(n, ["sh", _word(n)]) for n in found.shells if role_of(n) >= 0]
    return [
        Proposed(name="", source=source, role=role_of(words[-1]), words=words)
        for source, words in named
    ]
