"""Where an exported model came from: for the header of a file, and as the model card of a folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypnos_pipeline.models.random.text_to_image import UNET

if TYPE_CHECKING:
    from hypnos_pipeline.models.text_to_image import TextToImage


@dataclass(frozen=True)
class Origin:
    """What was finetuned on what.

    Attributes:
        title: The export's name, e.g. ``lego_robot_hypnos``.
        subject: Its name in the study.
        method: Likewise.
        env: Environment of the study.
        seed: The study's.
        image_size: Edge of the images that it was trained on, pixels.
        phrase: What the model calls the subject, e.g. ``sks robot``, or a learned token.
        prompts: Examples, whole.
        base: The base model's ``id``, ``revision`` (None for a folder of the project's own) and ``sha256``.
        weights: SHA-256 of the finetuned weights.
        commit: The project's commit at the time of the export, and whether files differed from it.
    """

    title: str
    subject: str
    method: str
    env: str
    seed: int
    image_size: int
    phrase: str
    prompts: tuple[str, ...]
    base: Mapping[str, str | None]
    weights: str
    commit: str

    def facts(self) -> dict[str, str]:
        """Returns everything by its name, as text."""
        return {
            "subject": self.subject,
            "method": self.method,
            "environment": self.env,
            "seed": str(self.seed),
            "prompts": "\n".join(self.prompts),
            **{f"base_model_{name}": str(value) for name, value in self.base.items() if value},
            "weights_sha256": self.weights,
            "commit": self.commit,
        }


def header(origin: Origin, model: TextToImage, kind: str = "") -> dict[str, str]:
    """Returns the metadata of a safetensors file.

    Keys are those of Stability AI's model specification, which model browsers read, and the facts of the
    origin as ``hypnos.<name>``.

    Args:
        origin: Of the weights.
        model: The model that they belong to.
        kind: ``lora`` or ``textual-inversion``; empty for a whole model.
    """
    specification = {
        "sai_model_spec": "1.0.0",
        "architecture": "/".join(part for part in (architecture(model), kind) if part),
        "implementation": "diffusers",
        "title": origin.title,
        "description": f"{origin.subject} by {origin.method}, made with hypnos-pipeline",
        "trigger_phrase": origin.phrase,
        "prediction_type": model.scheduler.config["prediction_type"].removesuffix("_prediction"),
        "resolution": f"{origin.image_size}x{origin.image_size}",
    }
    own = {f"hypnos.{name}": value for name, value in origin.facts().items()}
    return {f"modelspec.{name}": value for name, value in specification.items()} | own


def architecture(model: TextToImage) -> str:
    """Returns ``stable-diffusion-v1`` for that model's sizes, ``miniature`` for others of its classes."""
    sizes = ("block_out_channels", "layers_per_block", "cross_attention_dim")
    same = all(_plain(model.unet.config[size]) == _plain(UNET[size]) for size in sizes)
    return "stable-diffusion-v1" if same else "miniature"


def model_card(origin: Origin, precision: str) -> str:
    """Returns the ``README.md`` of a diffusers folder in a precision, with the head that model hubs read."""
    prompts = "\n".join(f"- `{prompt}`" for prompt in origin.prompts)
    base = origin.base["id"]
    published = f"base_model: {base}\n" if origin.base.get("revision") else ""
    rows = "\n".join(
        f"| {name.replace('_', ' ')} | `{value}` |"
        for name, value in origin.facts().items()
        if name != "prompts"
    )
    return f"""---
library_name: diffusers
pipeline_tag: text-to-image
{published}instance_prompt: {json.dumps(origin.prompts[0])}
tags: [text-to-image, diffusers, dreambooth, hypnos]
---

# {origin.title}

{base}, finetuned on a few photos of one subject. The model calls the subject **`{origin.phrase}`**:

{prompts}

```python
import torch
from diffusers import StableDiffusionPipeline

pipeline = StableDiffusionPipeline.from_pretrained("path/to/this/folder", dtype=torch.{precision})
image = pipeline("{origin.prompts[0]}").images[0]
```

There is no safety checker in this folder. The licence of the base model holds for this one too.

| where it came from | |
|---|---|
{rows}
"""


def _plain(size: object) -> object:
    return list(size) if isinstance(size, tuple | list) else size
