"""Previews: samples of a model in training, on fixed noise, as a strip that shows it learn.

They read the model and change nothing of it: every draw has a generator of its own, and no gradient is kept,
so that the trained weights are the same bits with previews and without.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.errors import NotFinite
from hypnos_pipeline.imaging.colours import delta_e
from hypnos_pipeline.imaging.constant_backgrounds import flat_images
from hypnos_pipeline.models.generation import generate
from hypnos_pipeline.models.runtime import autocast
from hypnos_pipeline.models.settings import RuntimeSettings, SamplerSettings
from hypnos_pipeline.prompting.templates import subject_prompt
from hypnos_pipeline.randomness import seed_for

if TYPE_CHECKING:
    import numpy as np
    import torch
    from PIL import Image

    from hypnos_pipeline.models.text_to_image import TextToImage
    from hypnos_pipeline.training.settings import Previews


class PreviewStrip:
    """Samples of a model in training, taken every so many steps.

    Args:
        settings: When, how many, of which prompts.
        phrase: What stands for the subject in the prompts.
        seed: The study's.
        runtime: Precision of the forward passes; the device is the model's.
        image_size: Edge of the square images, pixels.

    Attributes:
        frames: Training step to uint8 images N×H×W×3, in the order in which they were taken.

    Raises:
        ValueError: If a template holds a placeholder other than ``{subject}``.
    """

    def __init__(
        self, settings: Previews, phrase: str, *, seed: int, runtime: RuntimeSettings, image_size: int
    ) -> None:
        templates = [settings.prompts[index % len(settings.prompts)] for index in range(settings.images)]
        self.prompts = [subject_prompt(template, phrase) for template in templates]
        self.noise_seeds = [seed_for(seed, "previews", index) for index in range(settings.images)]
        self.every, self.runtime, self.image_size = settings.every, runtime, image_size
        self.sampler = SamplerSettings(
            steps=settings.steps, guidance=settings.guidance, batch=settings.images
        )
        self.model: TextToImage | None = None
        self.frames: dict[int, np.ndarray] = {}

    def watch(self, model: TextToImage) -> None:
        """Takes the model to sample, and refuses prompts that do not fit it, before any training.

        Raises:
            ValueError: Naming them.
        """
        self.model = model
        if self.every:
            model.encode_prompts(self.prompts)

    def after(self, step: int) -> None:
        """Samples the model if a preview is due after this training step.

        Raises:
            NotFinite: If an image holds NaN or infinity: so would every sample of the finished model.
        """
        if not self.every or step % self.every:
            return
        assert self.model is not None, "watch() comes first"
        try:
            with autocast(self.runtime, self.model.device):
                self.frames[step] = generate(
                    self.model, self.prompts, self.noise_seeds, self.sampler, self.image_size, progress=None
                )
        except NotFinite as error:
            raise NotFinite(f"the preview after step {step}: {error.message}") from error

    def report(self) -> dict[str, Any]:
        """Returns how the previews went, in JSON types.

        Returns:
            ``previews``: the ``steps`` at which they were taken, each one's mean ``change`` from the one
            before (ΔE, CIE76; from the second on), and how many ``flat`` images it has, in which nothing
            stands out from one colour. Empty if none was taken.
        """
        steps, frames = list(self.frames), list(self.frames.values())
        if not frames:
            return {}
        changes = [round(float(delta_e(before, after).mean()), 1) for before, after in pairwise(frames)]
        return {
            "previews": {"steps": steps, "change": changes, "flat": [flat_images(each) for each in frames]}
        }

    def to_tensors(self) -> dict[str, torch.Tensor]:
        """Returns the frames by step, for a checkpoint."""
        import torch

        return {str(step): torch.from_numpy(frame) for step, frame in self.frames.items()}

    def restore(self, tensors: dict[str, torch.Tensor]) -> None:
        """Puts back what :meth:`to_tensors` returned."""
        self.frames = {int(step): tensors[step].numpy() for step in sorted(tensors, key=int)}

    def picture(self) -> Image.Image:
        """Draws one row per image and one column per moment; if none was taken, a line that says so."""
        from hypnos_pipeline.imaging.sheets import contact_sheet

        if not self.frames:
            return contact_sheet([[None]], title="No previews were taken (previews.every).")
        rows = [[frame[index] for frame in self.frames.values()] for index in range(len(self.prompts))]
        return contact_sheet(rows, self.prompts, [f"step {step}" for step in self.frames])
