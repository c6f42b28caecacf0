"""What must be there before a stage can be decided about: its environment, the past."""

from __future__ import annotations

import contextlib
import json
import sys
from typing import TYPE_CHECKING

from pipeline import events, files, inventory, scope
from pipeline.archive import Archive
from pipeline.deaths import die_at
from pipeline.environments import environment, preflight, recipe
from pipeline.git import Git
from pipeline.plan import Planner
from pipeline.pulse import many

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.environments.environment import Environment
    from pipeline.walk import Walk
    from pipeline.workshop import Workshop


class Readiness:
    """Makes one run ready for its walk."""

    def __init__(self, workshop: Workshop, walk: Walk) -> None:
        """Prepare the stages that `walk` has not done yet."""
        self._workshop = workshop
        self._walk = walk
        self._plan = workshop.plan

    @contextlib.contextmanager
    def prepared(self) -> Iterator[None]:
        """Have the environment of the stages, and a planner that decides for them."""
        if not self._walk.undone:
            yield
            return
        with self._walk.hashing():
            yield from self._known()

    def _known(self) -> Iterator[None]:
        """Find or build the environment, and look up what was sealed before."""
        workshop, paths = self._workshop, self._workshop.paths
        repository = Git(paths.box.code)
        found = environment.ready(
            self._plan.env,
            box=paths.box,
            python=sys.executable,
            read=recipe.reader(repository, self._plan.snapshot, self._plan.prefix),
            base=paths.base,
            clock=workshop.clock,
            tell=self._tell,
            is_stopping=self._is_stopping,
        )
        workshop.environment = found
        self._keep(found)
        archive = Archive(repository, prefix=self._plan.prefix, but=self._plan.run)
        with contextlib.closing(archive):
            known = inventory.gather(
                self._plan,
                paths.box,
                archive=archive,
                listing=lambda: scope.listing_of(repository, self._plan.snapshot),
                environment=found.identity(),
                clock=workshop.clock,
            )
            planner = Planner(self._plan, known)
            self._check(found, planner)
            workshop.planner = planner
            die_at("", "prepared")
            yield

    def _is_stopping(self) -> bool:
        self._walk.read_wishes()
        return self._walk.is_stopping()

    def _tell(self, said: str) -> None:
        self._workshop.story.marked()
        self._workshop.story.tell(events.EnvironmentToldOf(said=said))

    def _keep(self, found: Environment) -> None:
        """Say in the results what the stages run in."""
        results = self._workshop.results
        if found.name:  # for who clears up: this run needs that environment
            files.replace_text(self._workshop.paths.environment, f"{found.name}\n")
        text = json.dumps(found.record(), indent=1, sort_keys=True) + "\n"
        files.replace_text(results.environment, text)
        files.replace_text(results.freeze, found.freeze())
        if self._plan.env.kind in ("lock", "setup"):
            what = many(len(found.packages), "package")
            said = f"environment {found.title}: {what}"
            told = events.EnvironmentToldOf(said=said, is_ready=True)
            self._workshop.story.tell(told)

    def _check(self, found: Environment, planner: Planner) -> None:
        """Refuse before any time is spent what could not even begin."""
        undone = set(self._walk.undone)
        needs = {
            stage.name: self._plan.codes[self._plan.code[stage.name]].needs
            for stage in self._walk.stages
            if stage.run and stage.name in undone
        }
        if not any(needs.values()):
            return
        # What will be reused needs nothing.
        begun = {one.stage for one in planner.plan() if one.kind != "reuse"}
        paths = self._workshop.paths
        preflight.check(
            found,
            imports={n: wanted for n, wanted in needs.items() if wanted and n in begun},
            on_gpu=[s.name for s in self._walk.stages if s.gpus and s.name in begun],
            paths=(paths.base, paths.tree),
            clock=self._workshop.clock,
        )
