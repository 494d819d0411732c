"""What a stage imports, which a process of its own pays for anew: nothing heavy that it does not use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiny_models import save_tiny_text_to_image

NOWHERE = ("bitsandbytes", "scipy.optimize", "scipy.stats._stats_py", "matplotlib", "lpips", "numba")
WITHOUT_TORCH = ("torch", "transformers", "diffusers", "timm")
CONFIGURED = """
from hypnos_pipeline.models.runtime import configure
from hypnos_pipeline.models.settings import RuntimeSettings
device = configure(RuntimeSettings(device="cpu", threads=1))
"""
STAGES = {
    "augmentation": ("import hypnos_pipeline.imaging.pool, hypnos_pipeline.imaging.fakes", WITHOUT_TORCH),
    "class_prior, finetune, sampling": (
        CONFIGURED + """
from hypnos_pipeline.models.generation import generate
from hypnos_pipeline.models.settings import SamplerSettings
from hypnos_pipeline.models.text_to_image import load_text_to_image
from hypnos_pipeline.training.finetuning import Finetuning
from hypnos_pipeline.training.optimisation import Updater
model = load_text_to_image(Path(sys.argv[1]), device)
Updater(model.unet.parameters(), learning_rate=1e-4, weight_decay=0.0, clip_norm=1.0)
sampler = SamplerSettings(scheduler="DPMSolverMultistepScheduler", steps=2)
generate(model, ["a photo"], [1], sampler, 16, None)
""",
        ("torchvision", "timm"),
    ),
    "evaluation": (
        CONFIGURED + """
from hypnos_pipeline.metrics.evaluate import evaluate_samples
from hypnos_pipeline.metrics.features import load_metric_networks
from hypnos_pipeline.models.prompt_encoder import load_prompt_encoder
load_prompt_encoder(Path(sys.argv[1]), device)
""",
        ("diffusers", "torchvision"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_imports_nothing_heavy_that_it_does_not_use(stage: str, tmp_path: Path) -> None:
    code, unused = STAGES[stage]
    model = save_tiny_text_to_image(tmp_path / "model") if "argv" in code else tmp_path
    looked_at = (*NOWHERE, *unused)
    shown = f"print([name for name in {looked_at} if name in sys.modules])"
    program = f"import sys\nfrom pathlib import Path\n{code}\n{shown}"
    command = [sys.executable, "-c", program, str(model)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.stdout.strip().splitlines()[-1:] == ["[]"], ended.stderr
