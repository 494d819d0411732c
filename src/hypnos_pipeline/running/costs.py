"""What each node of a run costs, estimated beforehand from the study's own counts of steps and images.

The unit is the second of one core of the machine that the figures below were measured on, with the embedded
models. Other networks cost ``scale`` times as much for the same steps and images. How fast another machine
is, and what earlier runs took, ``running/timings.py`` knows. Estimates order nodes and show how long a run
will take. No result depends on them.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from typing import Any, cast

from kedro.pipeline import Node, Pipeline

from hypnos_pipeline.study.model import Study

LOADED = 0.6
"""Seconds to read a text-to-image model, once its libraries are there."""
IMAGE_STEP = 0.0158
"""Seconds of one step of the sampler for one image, with guidance."""
TRAINING_IMAGE = 0.030
"""Seconds of one image of a training step of U-Net and text encoder."""
PERCEPTUAL, ADVERSARIAL = 0.5, 0.1
"""What L_p, and the discriminator with its own training, add to a training step, as a part of it."""
TOKEN_IMAGE = 0.022
"""Seconds of one image of a step of Textual Inversion, which trains no network."""
ENCODED = 0.003
"""Seconds to encode one image."""
DISCRIMINATOR_IMAGE = 0.00035
"""Seconds of one image of a step of the discriminator's pretraining."""
MATTE = 0.6
"""Seconds to cut out one photo."""
PHOTOS = 4
"""Photos of a subject; the method is made for 3 to 5."""
MEASURED_IMAGE = 0.03
"""Seconds to take every metric of one image."""
OTHERS = 0.3
"""Seconds of a node that draws, collects or writes."""

Count = Callable[[Node, Study], float]


def costs(pipeline: Pipeline, study: Study, scale: float = 1.0) -> dict[str, float]:
    """Returns the seconds of every node of a pipeline, by its name.

    Args:
        pipeline: Of this study.
        study: Says how many steps and images.
        scale: What a step or an image of the study's networks costs, in those of the embedded models.
    """
    return {node.name: cost(node, study, scale) for node in pipeline.nodes}


def cost(node: Node, study: Study, scale: float = 1.0) -> float:
    """Returns the seconds of one node; see :func:`costs`."""
    name = kind(node)
    if name in _NETWORKS:
        return LOADED + scale * _NETWORKS[name](node, study)
    return PHOTOS * MATTE if name == "remove_background" else OTHERS


def kind(node: Node) -> str:
    """Returns what a node does, which nodes of other subjects and methods do too: its function's name."""
    return getattr(cast("Any", node).func, "__name__", node.name)


def remaining_paths(pipeline: Pipeline, costs: Mapping[str, float]) -> dict[str, float]:
    """Returns for every node the seconds of the most expensive path from its start to the pipeline's end."""
    after = followers(pipeline)
    found: dict[str, float] = {}
    for node in reversed(pipeline.nodes):  # which Kedro sorts by their dependencies
        rest = (found[name] for name in after[node.name])
        found[node.name] = costs[node.name] + max(rest, default=0.0)
    return found


def makespan(pipeline: Pipeline, costs: Mapping[str, float], workers: int) -> float:
    """Returns the seconds that some workers need for all nodes, if those on the longest path go first."""
    paths, after = remaining_paths(pipeline, costs), followers(pipeline)
    waits = {node.name: len(parents) for node, parents in pipeline.node_dependencies.items()}
    ready = [(-paths[name], name) for name, count in waits.items() if not count]
    heapq.heapify(ready)
    now, busy = 0.0, list[tuple[float, str]]()
    while ready or busy:
        while ready and len(busy) < workers:
            _, name = heapq.heappop(ready)
            heapq.heappush(busy, (now + costs[name], name))
        now, finished = heapq.heappop(busy)
        for name in after[finished]:
            waits[name] -= 1
            if not waits[name]:
                heapq.heappush(ready, (-paths[name], name))
    return now


def followers(pipeline: Pipeline) -> dict[str, list[str]]:
    """Returns, by a node's name, the nodes that read what it writes."""
    found: dict[str, list[str]] = {node.name: [] for node in pipeline.nodes}
    for node, parents in pipeline.node_dependencies.items():
        for parent in parents:
            found[parent.name].append(node.name)
    return found


def _method(node: Node, study: Study) -> Any:
    """Returns the settings of the method that a node names among its parameters."""
    for name in node.inputs:
        key = name.removeprefix("params:").split(".")
        if key[0] == "methods" and len(key) == 3:
            return getattr(study.methods, key[1])[key[2]]
    raise KeyError(f"{node.name} names no method")


def _hypnos(node: Node, study: Study) -> float:
    method = _method(node, study)
    plain = method.steps * (method.instance_batch + (method.class_batch if method.weights.prior else 0))
    share = method.perceptual_steps() / method.steps if method.weights.perceptual else 0.0
    more = 1 + PERCEPTUAL * share + (ADVERSARIAL if method.weights.discriminator else 0)
    return TRAINING_IMAGE * plain * more + _previews(method)


def _dreambooth(node: Node, study: Study) -> float:
    method = _method(node, study)
    images = method.steps * (method.instance_batch + (method.class_batch if method.prior_weight else 0))
    return TRAINING_IMAGE * images + _previews(method)


def _textual_inversion(node: Node, study: Study) -> float:
    method = _method(node, study)
    return TOKEN_IMAGE * method.steps * method.batch + _previews(method)


def _previews(method: Any) -> float:
    previews = method.previews
    moments = method.steps // previews.every if previews.every else 0
    return IMAGE_STEP * moments * previews.images * previews.steps


def _samples(study: Study) -> int:
    return sum(each.images * each.replicates for each in study.prompt_sets.values())


def _class_prior(_: Node, study: Study) -> float:
    return IMAGE_STEP * study.sampling.steps * study.class_prior.count


def _sampling(_: Node, study: Study) -> float:
    return IMAGE_STEP * study.sampling.steps * _samples(study)


def _latents(_: Node, study: Study) -> float:
    pool = study.augmentation
    each = 1 + pool.recoloured + pool.resized + 4 * pool.altered
    return ENCODED * (PHOTOS * each + study.class_prior.count)


def _discriminator(_: Node, study: Study) -> float:
    return DISCRIMINATOR_IMAGE * study.discriminator.steps * study.discriminator.batch


def _evaluation(_: Node, study: Study) -> float:
    return MEASURED_IMAGE * _samples(study)


_NETWORKS: dict[str, Count] = {
    "hypnos": _hypnos,
    "dreambooth": _dreambooth,
    "textual_inversion": _textual_inversion,
    "generate_class_prior": _class_prior,
    "sample_finetuned": _sampling,
    "sample_learned_token": _sampling,
    "sample_base": _sampling,
    "encode_latents": _latents,
    "pretrain_discriminator": _discriminator,
    "evaluate": _evaluation,
}
"""Functions whose nodes compute with the study's networks."""
