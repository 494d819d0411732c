"""Which stages ``dvc repro`` would look at, in its order, and what each of them waits for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from dvc.dvcfile import PROJECT_FILE
from dvc.exceptions import DvcException
from dvc.repo.reproduce import collect_stages, get_active_graph, plan_repro
from dvc.stage.exceptions import StageNotFound

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc.stage import Stage


@dataclass(frozen=True)
class Plan:
    """Stages to look at.

    Attributes:
        order: The order in which DVC would take them.
        upstream: The stages among them that each of them waits for.
    """

    order: list[Stage]
    upstream: dict[Stage, list[Stage]]

    @classmethod
    def of(
        cls,
        repo: Repo,
        targets: Iterable[str] = (),
        *,
        single_item: bool = False,
        downstream: bool = False,
    ) -> Plan:
        """Reads a plan from ``dvc.yaml``.

        Args:
            repo: DVC's project, its lock held.
            targets: Names of stages, or files of stages; without any, all of the project's ``dvc.yaml``.
            single_item: Only the targets, not what they depend on.
            downstream: The targets and what depends on them, not what they depend on.

        Raises:
            dvc.exceptions.DvcException: If there is no such target, or ``dvc.yaml`` cannot be read.
        """
        graph = get_active_graph(repo.index.graph)
        file = str(Path(repo.root_dir, PROJECT_FILE))
        known = {stage.addressing: stage for stage in repo.index.stages if stage.path == file}
        stages = [each for name in targets for each in _collected(repo, name, known)] or list(known.values())
        order = plan_repro(graph, stages, downstream=downstream)
        planned = set(stages if single_item else order)
        order = [stage for stage in order if stage in planned]
        return cls(order, {stage: [up for up in graph.successors(stage) if up in planned] for stage in order})

    @cached_property
    def dependents(self) -> dict[Stage, list[Stage]]:
        """The stages that wait for each stage."""
        found: dict[Stage, list[Stage]] = {stage: [] for stage in self.order}
        for stage, needed in self.upstream.items():
            for each in needed:
                found[each].append(stage)
        return found

    def remaining(self, seconds: Mapping[Stage, float]) -> dict[Stage, float]:
        """Returns the seconds from each stage's start to the end of the last stage that waits for it."""
        found: dict[Stage, float] = {}
        for stage in reversed(self.order):
            after = max((found[each] for each in self.dependents[stage]), default=0.0)
            found[stage] = seconds[stage] + after
        return found

    def stale(self) -> tuple[list[Stage], list[Stage]]:
        """Returns the stages that have changed, and the others that depend on them."""
        changed = {stage for stage in self.order if stage.changed()}
        depending: set[Stage] = set()
        for stage in self.order:
            if changed.union(depending).intersection(self.upstream[stage]):
                depending.add(stage)
        in_order = self.order
        return [each for each in in_order if each in changed], [
            each for each in in_order if each in depending - changed
        ]


def _collected(repo: Repo, target: str, known: Mapping[str, Stage]) -> list[Stage]:
    """Returns the stages that a target names; DVC's own look-up reads ``dvc.lock`` again."""
    if target in known:
        return [known[target]]
    try:
        return collect_stages(repo, [target])
    except StageNotFound as error:
        names = [*known, *{name.partition("@")[0] for name in known if "@" in name}]
        close = " or ".join(get_close_matches(target, names, 3))
        fix = f"did you mean {close}?" if close else "`dvc stage list` lists all"
        raise DvcException(f"dvc.yaml has no stage {target}; {fix}") from error
