"""Thin nodes over the stages of the miniature world.

The stages write folders below ``miniworld.output`` themselves, with checkpoints from which a killed
run resumes; what passes between nodes is only the news that a stage is done.
"""

from __future__ import annotations

from collections.abc import Callable

from hypnos_pipeline.miniworld.config import MiniworldConfig
from hypnos_pipeline.miniworld.train.stages import STAGES


def stage_node(name: str) -> Callable[..., str]:
    """Returns the node function of one stage: configuration and the stages before it, to its folder."""

    def run(parameters: dict, checkpoints: dict, *_before: str) -> str:
        config = MiniworldConfig.model_validate({**parameters, "checkpoints": checkpoints})
        STAGES[name](config)
        return config.output

    run.__name__ = name
    run.__doc__ = STAGES[name].__doc__
    return run
