"""What a Python script says of itself, read without running or importing it.

The options it takes, the files it opens under names that can be known, and what it
imports. A path is a text: `*` stands for a part that only a run knows, `<dest>` for the
value of an option. What cannot be known is left out, and counted.
"""

from __future__ import annotations

import ast
import re
from dataclasses import field
from typing import Any

from pipeline.frozen import dataclass

MOST_BYTES = 1_000_000  # a larger file is data in the dress of a script
ENTRANCES = {
    "argparse": "argparse",
    "click": "click",
    "typer": "typer",
    "fire": "fire",
    "hydra": "hydra",
    "absl": "absl",
    "docopt": "docopt",
}
# Where the path stands among the arguments of what writes, and of what reads.
_WRITERS = {
    **dict.fromkeys(
        ("save", "savez", "savez_compressed", "savetxt", "savefig", "imwrite"), 0
    ),
    **dict.fromkeys(("to_csv", "to_parquet", "to_json", "to_pickle", "to_excel"), 0),
    **dict.fromkeys(("save_pretrained", "save_weights", "write_html"), 0),
    **dict.fromkeys(("makedirs", "mkdir"), 0),
    "dump": 1,
    "imsave": 0,
}
_READERS = {
    **dict.fromkeys(("load", "loadtxt", "genfromtxt", "fromfile", "load_model"), 0),
    **dict.fromkeys(("read_csv", "read_parquet", "read_json", "read_pickle"), 0),
    **dict.fromkeys(("imread", "load_weights"), 0),
}
# Methods of a path, and whether they write it.
_OF_A_PATH = {
    **dict.fromkeys(("write_text", "write_bytes", "mkdir", "touch"), True),
    **dict.fromkeys(("read_text", "read_bytes"), False),
}
_SECOND = frozenset({"torch", "joblib"})  # torch.save(what, where)
_OF_FILES = frozenset({"json", "yaml", "pickle", "toml"})  # json.load(file)
# Whoever uses these may read anything at all.
_DYNAMIC = frozenset({"exec", "eval", "__import__", "import_module", "run_path"})
_PROCESSES = frozenset({"subprocess", "importlib", "runpy"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One `add_argument`: its flag, or nothing for a place; and its default."""

    dest: str
    flag: str = ""
    default: Any = None
    is_required: bool = False
    takes_value: bool = True


@dataclass(slots=True, kw_only=True)
class Script:
    """One Python file, as far as it can be known without running it."""

    path: str
    entrance: str = ""
    is_program: bool = False
    options: list[Option] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    imports: list[str] = field(default_factory=list)
    config: tuple[str, str] = ("", "")
    is_open_ended: bool = False

    def option(self, dest: str) -> Option | None:
        """Give the option called `dest`."""
        return next((o for o in self.options if o.dest == dest), None)


def read_script(path: str, source: bytes | str) -> Script | None:
    """Read one script; None when it is no Python this Python can parse."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    script = Script(path=path)
    reader = _Reader(script)
    try:
        reader.learn(tree)
        for node in ast.walk(tree):
            reader.look(node)
    except RecursionError:
        script.is_open_ended = True
    script.is_program = script.is_program or script.entrance in ("click", "fire")
    return script


class _Reader:
    """Goes through a tree once for its names, and once for what it does."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._names: dict[str, str] = {}

    def learn(self, tree: ast.AST) -> None:
        """Note the names that are given a known text, and only one."""
        seen: dict[str, set[str]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _name_of(node.func) == "add_argument":
                self._add_option(node)
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and len(node.targets) == 1:
                target, text = node.targets[0], self._text(node.value)
                if isinstance(target, ast.Name):
                    known = seen.setdefault(target.id, set())
                    known.add(text)
                    if text and len(known) == 1:
                        self._names[target.id] = text
                    else:
                        self._names.pop(target.id, None)

    def look(self, node: ast.AST) -> None:
        """Take in what one node says."""
        if isinstance(node, ast.If) and _is_main(node.test):
            self._script.is_program = True
        elif isinstance(node, ast.Import):
            for alias in node.names:
                self._imported(alias.name)
        elif isinstance(node, ast.ImportFrom):
            self._imported_from(node)
        elif isinstance(node, ast.Call):
            self._called(node)
        elif isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                self._decorated(decorator)

    def _imported(self, name: str) -> None:
        script, top = self._script, name.partition(".")[0]
        script.imports.append(name)
        if top in ENTRANCES and not script.entrance:
            script.entrance = ENTRANCES[top]
        if top in _PROCESSES:
            script.is_open_ended = True

    def _imported_from(self, node: ast.ImportFrom) -> None:
        head = "." * node.level + (node.module or "")
        if head == "__future__":
            return
        self._imported(head)
        for alias in node.names:
            joint = "" if head.endswith(".") else "."
            self._script.imports.append(f"{head}{joint}{alias.name}")

    def _decorated(self, decorator: ast.expr) -> None:
        if not isinstance(decorator, ast.Call):
            return
        said = {word.arg: self._text(word.value) for word in decorator.keywords}
        if "config_name" in said or "config_path" in said:
            self._script.entrance = "hydra"
            config = (said.get("config_path", ""), said.get("config_name", ""))
            self._script.config = config

    def _called(self, node: ast.Call) -> None:
        name = _name_of(node.func)
        owner = node.func.value if isinstance(node.func, ast.Attribute) else None
        if name in _DYNAMIC:
            self._script.is_open_ended = True
        elif name == "open":
            self._opened(node, owner)
        elif name in _OF_A_PATH and owner is not None and (text := self._text(owner)):
            end = "/" if name == "mkdir" else ""
            self._note(text + end, is_written=_OF_A_PATH[name])
        elif name in _WRITERS or name in _READERS:
            self._passed(name, node, owner)

    def _passed(self, name: str, node: ast.Call, owner: ast.expr | None) -> None:
        """Take the path among the arguments of what saves or loads."""
        module = owner.id if isinstance(owner, ast.Name) else ""
        is_written = name in _WRITERS
        at = (
            1
            if is_written and module in _SECOND
            else (_WRITERS | _READERS).get(name, 0)
        )
        text = self._text(node.args[at]) if len(node.args) > at else ""
        if text and not (module in _OF_FILES and name in ("load", "dump")):
            end = "/" if name in ("makedirs", "mkdir") else ""
            self._note(text + end, is_written=is_written)

    def _opened(self, node: ast.Call, owner: ast.expr | None) -> None:
        arguments = list(node.args)
        is_method = owner is not None and not _is_module(owner)
        place = owner if is_method else arguments.pop(0) if arguments else None
        if place is None:
            return
        modes = [*arguments[:1], *(k.value for k in node.keywords if k.arg == "mode")]
        mode = self._text(modes[0]) if modes else "r"
        self._note(self._text(place), is_written=bool(set(mode) & set("wax+")))

    def _note(self, text: str, *, is_written: bool) -> None:
        path = re.sub(r"/+", "/", text).removeprefix("./")
        if not path or path.startswith(("*", "/", "~", "..")) or "://" in path:
            self._script.is_open_ended |= not is_written
            return
        known = self._script.writes if is_written else self._script.reads
        if path not in known:
            known.append(path)

    def _add_option(self, node: ast.Call) -> None:
        flags = [text for place in node.args if (text := self._text(place))]
        if not flags:
            return
        flag = next((f for f in flags if f.startswith("--")), flags[0])
        said = {word.arg: word.value for word in node.keywords}
        action = self._text(said["action"]) if "action" in said else ""
        dest = self._text(said["dest"]) if "dest" in said else ""
        is_place = not flag.startswith("-")
        nargs = self._text(said["nargs"]) if "nargs" in said else ""
        option = Option(
            dest=dest or flag.lstrip("-").replace("-", "_"),
            flag="" if is_place else flag,
            default=_value(said.get("default")),
            is_required=(is_place and nargs not in ("*", "?"))
            or _value(said.get("required")) is True,
            takes_value=action in ("", "store") and nargs not in ("*", "+"),
        )
        self._script.options.append(option)

    def _text(self, node: ast.AST | None) -> str:
        """Give the text of an expression; `*` for each part that is not known."""
        if isinstance(node, ast.Constant):
            return str(node.value) if isinstance(node.value, str) else ""
        if isinstance(node, ast.Name):
            return self._names.get(node.id, "")
        if isinstance(node, ast.JoinedStr):
            return "".join(_piece(self._text(part)) for part in node.values)
        if isinstance(node, ast.FormattedValue):
            return self._text(node.value)
        if isinstance(node, ast.Attribute):
            known = self._script.option(node.attr)
            return f"<{node.attr}>" if known and known.takes_value else ""
        if isinstance(node, ast.BinOp):
            return self._joined(node)
        if isinstance(node, ast.Call):
            return self._made(node)
        return ""

    def _joined(self, node: ast.BinOp) -> str:
        left, right = self._text(node.left), self._text(node.right)
        if isinstance(node.op, ast.Div) and left:
            return f"{left}/{_piece(right)}"
        if isinstance(node.op, ast.Add) and left:
            return left + _piece(right)
        if isinstance(node.op, ast.Mod) and left:
            return re.sub(r"%[-+ #0-9.]*[a-zA-Z]", "*", left)
        return ""

    def _made(self, node: ast.Call) -> str:
        name = _name_of(node.func)
        if name in ("join", "Path", "PurePath") and node.args:
            parts = [self._text(part) for part in node.args]
            return "/".join(map(_piece, parts)) if parts[0] else ""
        if name == "format" and isinstance(node.func, ast.Attribute):
            return re.sub(r"\{[^{}]*\}", "*", self._text(node.func.value))
        if name in ("str", "fspath", "abspath", "expanduser", "to_absolute_path"):
            return self._text(node.args[0]) if node.args else ""
        return ""


def _piece(text: str) -> str:
    return text or "*"


def _name_of(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _is_module(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("os", "io", "gzip", "codecs")


def _is_main(test: ast.expr) -> bool:
    if not isinstance(test, ast.Compare) or not isinstance(test.left, ast.Name):
        return False
    return test.left.id == "__name__"


def _value(node: ast.expr | None) -> object:
    """Give a value that is written out; None for any other."""
    try:
        return ast.literal_eval(node) if node is not None else None
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None
