"""A finished method's images of a user's own prompt: what is requested, what is refused, what is saved."""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.errors import SampleError
from hypnos_pipeline.running.finished import FinishedMethod, MethodRequest, finished_method, of_a_layer

if TYPE_CHECKING:
    import numpy as np

    from hypnos_pipeline.prompting.own_prompts import OwnPrompt

DESCRIPTION = "samples.json"
OWN_SAMPLES = "own_samples"
_SLUG_LENGTH = 40


@dataclass(frozen=True)
class Request(MethodRequest):
    """What the user requests.

    Attributes:
        prompt: As typed, with or without ``{subject}``.
        n: Number of images.
        seed: Of the noise.
    """

    prompt: str
    n: int
    seed: int

    def folder(self) -> Path:
        """Returns where the images go: the same request, the same folder.

        It lies beside what the pipelines sample, in a folder that no stage reads or writes, so that ``dvc
        status`` stays empty; git ignores the whole layer.
        """
        slug = re.sub(r"[^a-z0-9]+", "_", self.prompt.lower()).strip("_")[:_SLUG_LENGTH].rstrip("_")
        digest = hashlib.sha256(self.prompt.encode()).hexdigest()[:8]
        name = f"{slug}_{digest}_seed_{self.seed}_n_{self.n}".lstrip("_")
        return Path("data/07_model_output") / self.env / self.subject / OWN_SAMPLES / self.method / name


def sample_request(root: Path, request: Request, output: Path | None = None) -> tuple[Path, list[str]]:
    """Samples and saves what is requested.

    Args:
        root: The project's folder and working directory.
        request: What is requested.
        output: Where to save; None for the request's own folder.

    Returns:
        The folder, and warnings about the prompt.

    Raises:
        RequestError: If the study has no such subject or method, it has not run, the prompt cannot be
            sampled, or the output is in the way.
        StudyError: If the study's configuration is wrong.
        Busy: If a run is at work on the model.
    """
    folder = output or request.folder()
    _check_output(root, folder)
    with finished_method(root, request, f"samples in {folder}") as method:
        return folder, _sample_into(folder, request, method)


def _check_output(root: Path, folder: Path) -> None:
    """Refuses a folder that holds something else, or that the pipeline or DVC looks after.

    Raises:
        SampleError: Saying where the images may go.
    """
    place = (root / folder).resolve()
    if place.is_dir() and any(place.iterdir()) and not (place / DESCRIPTION).is_file():
        raise SampleError(f"{folder} holds other things, which would be lost; choose a new folder")
    if of_a_layer(root, folder, OWN_SAMPLES):
        raise SampleError(f"{folder} is among the pipeline's own files; choose a folder outside data/")


def _sample_into(folder: Path, request: Request, method: FinishedMethod) -> list[str]:
    """Samples and saves; returns warnings about the prompt."""
    from hypnos_pipeline.models.finetuned import load_finetuned
    from hypnos_pipeline.models.generation import generate
    from hypnos_pipeline.models.reference import folder_sha256, locate
    from hypnos_pipeline.models.runtime import autocast, configure
    from hypnos_pipeline.models.text_to_image import load_text_to_image
    from hypnos_pipeline.randomness import seed_for

    study, base = method.study, method.study.models.text_to_image
    device = configure(study.runtime)
    weights = method.folder or locate(base)
    model = load_finetuned(weights, base, device) if method.folder else load_text_to_image(weights, device)
    prompt = _prompt(model.tokenizer, method, request.prompt)
    noise_seeds = [seed_for(request.seed, "own_samples", index) for index in range(request.n)]
    # One by one: in a batch, an image's last bits depend on how many others there are.
    sampler = study.sampling.model_copy(update={"batch": 1})
    with autocast(study.runtime, device):
        images = generate(model, [prompt.text] * request.n, noise_seeds, sampler, study.image_size, "samples")
    description = {
        "prompt": prompt.text,
        "requested": request.prompt,
        **{key: getattr(request, key) for key in ("subject", "method", "env", "seed")},
        "noise_seeds": noise_seeds,
        "sampler": sampler.model_dump(exclude={"batch"}, exclude_none=True),
        "image_size": study.image_size,
        "weights": {"folder": weights.as_posix(), "sha256": folder_sha256(weights)},
        "warnings": prompt.warnings,
    }
    _save_images(folder, images, description)
    return prompt.warnings


def _prompt(tokenizer: Any, method: FinishedMethod, template: str) -> OwnPrompt:
    """Returns the prompt as the model reads it, with what the method calls the subject.

    Raises:
        SampleError: If it cannot be sampled.
    """
    from hypnos_pipeline.prompting.own_prompts import own_prompt

    try:
        return own_prompt(template, method.phrase, tokenizer)
    except ValueError as error:
        raise SampleError(f"--prompt: {error}") from error


def _save_images(folder: Path, images: np.ndarray, description: dict[str, Any]) -> None:
    """Saves images (uint8 N×H×W×3), their grid and their description; the folder is replaced as a whole."""
    from PIL import Image

    from hypnos_pipeline.imaging.sheets import contact_sheet
    from hypnos_pipeline.storage.replacing import replaced_folder

    columns = math.ceil(math.sqrt(len(images)))
    rows = [list(images[start : start + columns]) for start in range(0, len(images), columns)]
    cell = max(128, min(512, images.shape[1]))
    grid = contact_sheet(rows, cell=cell, title=description["prompt"])
    with replaced_folder(folder) as unfinished:
        for index, image in enumerate(images):
            Image.fromarray(image).save(unfinished / f"{index:03d}.png")
        grid.save(unfinished / "grid.png")
        text = json.dumps(description, indent=1, ensure_ascii=False)
        (unfinished / DESCRIPTION).write_text(text + "\n", encoding="utf-8")
