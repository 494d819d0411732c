"""Model cards: a README for each model folder, written from what its training measured."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

ABOUT: dict[str, str] = {
    "text_to_image": "Text-to-image model: a diffusers `StableDiffusionPipeline` (AutoencoderKL, "
    "UNet2DConditionModel, CLIPTextModel, CLIPTokenizer, DDIMScheduler), 64 px, latents 4 x 16 x 16.",
    "clip": "Image and text encoder: a transformers `CLIPModel` (both towers transformers, 64 px, patch 8). "
    "The image tower was first trained with label heads, then both towers contrastively.",
    "dino": "DINO (miniature): a transformers `ViTModel` (64 px, patch 8); use the [CLS] of "
    "`last_hidden_state`. Warmed up with label heads, then trained to tell instances apart.",
    "efficientnet": "EfficientNet (miniature), for the perceptual loss: a convolutional net; timm.",
    "inception": "Inception (miniature), for Fréchet distances: a convolutional net; timm. Pooled features: "
    "256; early tap of 64 channels at stride 8.",
    "lpips": "LPIPS (miniature): a convolutional net; timm.",
    "matting": "Cuts samples out (backend `network`): a U-Net for squares of 64 px; the file's metadata hold "
    "its architecture. Measured on held-back pictures (`miniworld/render/mattes.py`), as intersection over "
    "union with the true mattes; `nothing` is the share that it takes of pictures without an object. The "
    "rooms in which subjects are photographed are among its backgrounds; the subjects are not among its "
    "objects. Networks of your own may lie beside it: `<name>.onnx` for `rembg`, `tracer_b7.safetensors` for "
    "`tracer_b7` (docs/background_removal.md says how to choose).",
    "judge": "The classifier of class, colours and background, used only to grade samples of the text-to-"
    "image model. timm.",
}
RECIPE = (
    "Trained from scratch on renders of the miniature world (`src/hypnos_pipeline/miniworld`): an analytic "
    "ray caster of nine classes, ten colours and ten kinds of background, with captions and exact mattes. No "
    "outside data and no outside weights. Settings: `conf/base/parameters_miniworld.yml`; rebuild with "
    "`kedro run --pipelines=miniworld`. The study's subjects are instances that this training never saw."
)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _rows(values: dict, prefix: str = "") -> list[str]:
    rows = []
    for key, value in values.items():
        if isinstance(value, dict):
            rows += _rows(value, f"{prefix}{key} / ")
        else:
            rows.append(
                f"| {prefix}{key} | {value:.4g} |"
                if isinstance(value, float)
                else f"| {prefix}{key} | {value} |"
            )
    return rows


def _status(made: dict) -> list[str]:
    """Returns how far the text-to-image training got, and what was changed by hand meanwhile."""
    lines = []
    if made.get("steps", 0) < made.get("steps_planned", 0):
        lines.append(f"**Interim**: {made['steps']} of {made['steps_planned']} planned steps.")
    lines += [f"- {note}" for note in made.get("notes", [])]
    return [*lines, ""]


def card(folder: Path) -> str:
    """Returns the card's text for one model folder."""
    lines = [f"# {folder.name}", "", ABOUT[folder.name], "", RECIPE, ""]
    made = json.loads((folder / "training.json").read_text()) if (folder / "training.json").exists() else {}
    if folder.name == "text_to_image":
        lines += _status(made)
    if (folder / "samples.png").exists():
        lines += ["![The first 32 samples of full prompts, none chosen](samples.png)", ""]
    notes = {k: v for k, v in made.items() if k not in ("heads", "notes")}
    if notes:
        lines += ["## Training", "", "| what | value |", "|---|---|", *_rows(notes), ""]
    quality = folder / "quality.json"
    if quality.exists():
        lines += [
            "## Measured",
            "",
            "`right`: fraction of samples of full prompts in which the classifier sees what they name; "
            "`ceiling`: the same on held-out renders. The classifier saturates early: look at samples too.",
            "",
            "| what | value |",
            "|---|---|",
            *_rows(json.loads(quality.read_text())),
            "",
        ]
    lines += ["## Weights", "", "| file | sha256 |", "|---|---|"]
    lines += [f"| {p.relative_to(folder)} | `{_sha256(p)}` |" for p in sorted(folder.rglob("*.safetensors"))]
    lines += ["", "Licence: MIT, as the project.", ""]
    return "\n".join(lines)


def write_cards(models: Path) -> list[Path]:
    """Writes ``README.md`` into every known model folder below ``models``."""
    written = []
    for name in ABOUT:
        if (models / name).is_dir():
            path = models / name / "README.md"
            path.write_text(card(models / name))
            written.append(path)
    return written
