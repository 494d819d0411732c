"""The miniature world, as a table of contents."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from hypnos_pipeline.pipelines.miniworld.nodes import stage_node

PARAMETERS = ("params:miniworld", "params:checkpoints")
# Stage: the stages whose results it reads.
READS: dict[str, tuple[str, ...]] = {
    "render": (),
    "subjects": (),
    "decoder": ("render",),
    "encoder": ("render",),
    "text_to_image": ("render",),
    "classifier": ("render",),
    "efficientnet": ("render",),
    "inception": ("render",),
    "lpips": ("render",),
    "clip": ("render",),
    "dino": ("render",),
    "export": ("decoder", "encoder", "text_to_image", "classifier"),
    "matting": ("export",),
    "cards": ("matting", "efficientnet", "inception", "lpips", "clip", "dino"),
}


def create_pipeline() -> Pipeline:
    """Returns the pipeline that rebuilds models and subjects into ``miniworld.output``."""
    return Pipeline(
        [
            node(
                stage_node(name),
                inputs=[*PARAMETERS, *(f"miniworld_{before}" for before in reads)],
                outputs=f"miniworld_{name}",
                name=f"miniworld_{name}",
            )
            for name, reads in READS.items()
        ]
    )
