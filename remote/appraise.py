"""Ask a box what a run would do there."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from pipeline.environments import recipe
from pipeline.environments.packages import Installed, Probed
from pipeline.git import Git
from pipeline.wire import Planning

if TYPE_CHECKING:
    from pipeline.decision import Planned
    from pipeline.layout import LaptopPaths
    from pipeline.schema import Env, Resolved
    from pipeline.scope import Listing
    from remote.far import Far


def planned_there(
    far: Far, plan: Resolved, listing: Listing, paths: LaptopPaths, run: str = ""
) -> Planned:
    """Have the box make the plan of a run; the snapshot itself is not sent."""
    read = recipe.reader(Git(paths.scratch), plan.snapshot, plan.prefix)
    asked = Planning(
        plan=plan, listing=listing, env_files=_files_of(plan.env, read), run=run
    )
    answer = far.plan(asked)
    assert answer.planned is not None, "the box answers a plan with a plan"
    return answer.planned


def _files_of(env: Env, read: recipe.Read) -> dict[str, str]:
    """Give the files an environment is made of: what reading its recipe asks for."""
    asked: dict[str, str] = {}

    def noting(path: str) -> bytes | None:
        data = read(path)
        if data is not None:
            asked[path] = base64.b64encode(data).decode()
        return data

    if env.kind in ("lock", "setup"):
        nobody = Probed(
            executable="", version="", implementation="", platform="", prefix=""
        )
        recipe.read_recipe(env, Installed(probed=nobody), noting)
    return asked
