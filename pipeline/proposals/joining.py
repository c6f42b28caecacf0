"""What goes from one proposed stage to the next: names of their own, files, order."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pipeline.proposals.proposal import Proposed, stages_of

if TYPE_CHECKING:
    from pipeline.proposals.findings import Findings
    from pipeline.proposals.script import Option, Script


_TAKEN = frozenset({"latest"})  # a link of ours among the results


def propose(found: Findings, python: str) -> list[Proposed]:
    """Propose stages in the order in which they would run."""
    stages = stages_of(found, python)
    stages.sort(key=lambda stage: stage.role)
    _name_apart(stages)
    _join(stages, found)
    _keep_apart(stages)
    return stages


def _name_apart(stages: list[Proposed]) -> None:
    """Give each stage a name of its own that no folder it writes is called."""
    taken: set[str] = set()
    for stage in stages:
        stem = PurePosixPath(stage.source.rpartition(" ")[2]).stem
        name = re.sub(r"[^A-Za-z0-9_-]+", "_", stem).strip("_-")[:40] or "stage"
        folders = {f"{kind}/{name}/" for kind in ("results", "artifacts")}
        is_taken = name.lower() in _TAKEN
        if is_taken or any(p.startswith(tuple(folders)) for p in stage.collect):
            name = f"run_{name}"
        parent = PurePosixPath(stage.source).parent.name
        if name.lower() in taken and parent:
            name = f"{re.sub('[^A-Za-z0-9_-]+', '_', parent)}_{name}"
        while name.lower() in taken:
            name += "_2"
        taken.add(name.lower())
        stage.name = name


def _join(stages: list[Proposed], found: Findings) -> None:
    """Find which stage reads what an earlier one makes."""
    known = {**found.scripts, **found.notebooks}
    for place, stage in enumerate(stages):
        script = known.get(stage.source)
        if script is None or stage.lacks:
            continue
        for maker in reversed(stages[:place]):
            if not maker.lacks:
                _join_two(stage, script, maker, found)
        stage.after = _guessed_before(stage, stages[:place])


def _guessed_before(stage: Proposed, earlier: list[Proposed]) -> list[str]:
    """Where no file says who comes first, the names have to."""
    if any(re.match(r"\{[\w-]+/", word) for word in stage.words):
        return []
    if any("/" in ref for ref in stage.inputs):
        return []
    return [e.name for e in earlier if not e.lacks and 0 <= e.role < stage.role][-1:]


def _join_two(
    stage: Proposed, script: Script, maker: Proposed, found: Findings
) -> None:
    """Hand what `maker` makes to the options and fixed paths of `stage`."""
    made = _made_by(maker, found)
    for option in script.options:
        default = option.default
        plain = default.removeprefix("./") if isinstance(default, str) else ""
        if plain in made and option.flag and not _is_written(option.dest, script):
            _hand(stage, option, f"{maker.name}/{made[plain]}")
            _promise(maker, made[plain])
    for path in script.reads:
        if path in maker.collect and f"{maker.name}/{path}" not in stage.inputs:
            stage.inputs.append(f"{maker.name}/{path}")


def _is_written(dest: str, script: Script) -> bool:
    return any(path.startswith(f"<{dest}>") for path in script.writes)


def _hand(stage: Proposed, option: Option, ref: str) -> None:
    """Give an option the file of another stage, whatever was guessed for it before."""
    filled = f"{{{ref}}}"
    if option.flag not in stage.words:
        stage.words += [option.flag, filled]
    elif f"<{option.dest}>" in stage.makes:
        del stage.makes[f"<{option.dest}>"]
        stage.words[stage.words.index(option.flag) + 1] = filled


def _made_by(maker: Proposed, found: Findings) -> dict[str, str]:
    """Map where files lie by the script's own defaults to their names as artifacts."""
    made = {path: path for path in maker.collect if "*" not in path}
    script = found.scripts.get(maker.source)
    for path, name in maker.makes.items():
        option = script.option(path[1:].partition(">")[0]) if script else None
        if option and isinstance(option.default, str) and not path.endswith(">"):
            rest = path.partition(">")[2]
            made[re.sub(r"/+", "/", option.default + rest).removeprefix("./")] = name
        elif option and isinstance(option.default, str) and name.startswith("$OUT/"):
            made[option.default] = name.removeprefix("$OUT/")
    return made


def _promise(maker: Proposed, name: str) -> None:
    if name not in maker.collect and name not in maker.outputs:
        maker.outputs.append(name)


def _keep_apart(stages: list[Proposed]) -> None:
    """Let no two stages write one file, nor meet in a folder without an order."""
    able = [stage for stage in stages if not stage.lacks]
    for place, stage in enumerate(able):
        for earlier in able[:place]:
            twice = [p for p in stage.collect if p in earlier.collect and "*" not in p]
            if twice:
                stage.lacks = f"it writes {twice[0]}, as {earlier.name} does"
            elif _meet(stage, earlier) and not _comes_after(stage, earlier, able):
                stage.after.append(earlier.name)


def _meet(one: Proposed, other: Proposed) -> bool:
    """Tell whether two patterns have the same beginning: then they may meet."""
    heads = [p.partition("*")[0] for p in one.collect]
    others = [p.partition("*")[0] for p in other.collect]
    return any(a.startswith(b) or b.startswith(a) for a in heads for b in others)


def _comes_after(stage: Proposed, earlier: Proposed, able: list[Proposed]) -> bool:
    known, seen, waiting = {s.name: s for s in able}, set[str](), [stage]
    while waiting:
        for name in _needs(waiting.pop()) - seen:
            seen.add(name)
            waiting += [known[name]] if name in known else []
    return earlier.name in seen


def _needs(stage: Proposed) -> set[str]:
    refs = [word.lstrip("{") for word in stage.words if word.startswith("{")]
    named = {ref.partition("/")[0] for ref in (*refs, *stage.inputs) if "/" in ref}
    return {*stage.after, *named}
