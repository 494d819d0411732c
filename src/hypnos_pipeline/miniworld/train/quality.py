"""How often the classifier sees in the text-to-image model's samples what their prompts name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hypnos_pipeline.miniworld.render.dataset import LABELS, load_set, to_bytes
from hypnos_pipeline.miniworld.render.palette import COLOR_NAMES
from hypnos_pipeline.miniworld.render.words import BACKGROUNDS, CLASSES, PLAIN, SCENES, WALLED
from hypnos_pipeline.miniworld.train.nets import split_logits, to_input
from hypnos_pipeline.randomness import generator, numpy_generator

if TYPE_CHECKING:
    from PIL import Image

STEPS, GUIDANCE = 20, 5.0
PROMPTS = 200
GRID = (4, 8)
"""Rows and columns of the picture beside the card: the first samples in order, none chosen."""


def full_prompts(count: int, seed: int) -> list[tuple[str, dict[str, int]]]:
    """Draws prompts that name class, one colour and background, with the labels they name."""
    from hypnos_pipeline.miniworld.render.captions import background_clause

    out = []
    for k in range(count):
        rng = numpy_generator(seed, "miniworld/quality/prompts", k)
        cls = CLASSES[k % len(CLASSES)]
        color, wall = (str(c) for c in rng.choice(COLOR_NAMES, 2, replace=False))
        background = str(rng.choice([*SCENES, WALLED, PLAIN, PLAIN, PLAIN]))
        article = "an" if color[0] in "aeiou" else "a"
        wanted = {
            "cls": CLASSES.index(cls),
            "first": COLOR_NAMES.index(color),
            "background": BACKGROUNDS.index(background),
        }
        if background in (WALLED, PLAIN):
            wanted["wall"] = COLOR_NAMES.index(wall)
        out.append((f"a photo of {article} {color} {cls}{background_clause(background, wall)}", wanted))
    return out


def sample(pipe, prompts: list[str], seed: int, stream: str, steps: int = STEPS, guidance: float = GUIDANCE):
    """Samples one picture a prompt, (n, 64, 64, 3) uint8, noise from ``(seed, stream, index)``."""
    import torch

    pipe.set_progress_bar_config(disable=True)
    out = []
    for a in range(0, len(prompts), 16):
        part = prompts[a : a + 16]
        noise = [generator(seed, stream, a + k) for k in range(len(part))]
        with torch.no_grad():
            out.append(
                pipe(
                    part,
                    num_inference_steps=steps,
                    guidance_scale=guidance,
                    generator=noise,
                    height=64,
                    width=64,
                    output_type="np",
                ).images
            )
    return to_bytes(np.concatenate(out))


def share_right(classifier, images: np.ndarray, wanted: list[dict[str, int]]) -> dict[str, float]:
    """Returns the fraction of pictures in which the classifier sees the wanted labels, per head."""
    import torch

    with torch.no_grad():
        seen = {
            name: block.argmax(1).numpy()
            for name, block in split_logits(classifier(to_input(images))).items()
        }
    out = {}
    for name in ("cls", "first", "background", "wall"):
        rows = [k for k, want in enumerate(wanted) if name in want]
        out[name] = float(np.mean([seen[name][k] == wanted[k][name] for k in rows]))
    return out


def ceiling(root: Path, classifier) -> dict[str, float]:
    """Returns the same fraction for held-out renders of one colour: no sample can do better."""
    held = load_set(root / "set/heldout")
    labels = np.asarray(held["labels"], dtype=int)
    column = {name: k for k, name in enumerate(LABELS)}
    rows = np.flatnonzero((labels[:, column["second"]] < 0) & (labels[:, column["kind"]] == 0))
    names = ("cls", "first", "background", "wall")
    wanted = [{n: int(labels[r, column[n]]) for n in names if labels[r, column[n]] >= 0} for r in rows]
    return share_right(classifier, np.asarray(held["images"][rows]), wanted)


def _sheet(images: np.ndarray) -> Image.Image:
    """Returns the first samples as a grid without captions: a class has to be recognisable without."""
    from hypnos_pipeline.imaging.sheets import contact_sheet

    rows, columns = GRID
    return contact_sheet([list(images[k * columns : (k + 1) * columns]) for k in range(rows)])


def measure(root: Path, folder: Path, classifier_folder: Path, seed: int, count: int = PROMPTS) -> dict:
    """Samples full prompts and writes ``quality.json`` and ``samples.png`` into the model folder."""
    import timm
    import torch
    from diffusers import StableDiffusionPipeline

    from hypnos_pipeline.miniworld.train.autoencoder import psnr_of

    pipe = StableDiffusionPipeline.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
    out = {
        "autoencoder": psnr_of(pipe.vae, root / "set/heldout"),
        "steps": STEPS,
        "guidance": GUIDANCE,
        "prompts": count,
    }
    if classifier_folder.exists():
        classifier = timm.create_model(f"local-dir:{classifier_folder}", pretrained=True).eval()
        drawn = full_prompts(count, seed)
        images = sample(pipe, [text for text, _ in drawn], seed, "miniworld/quality/noise")
        out |= {
            "right": share_right(classifier, images, [want for _, want in drawn]),
            "ceiling": ceiling(root, classifier),
        }
        _sheet(images).save(folder / "samples.png")
    (folder / "quality.json").write_text(json.dumps(out, indent=1))
    return out
