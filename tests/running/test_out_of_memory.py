"""Out of memory: known from the real errors, and answered with the settings that still help."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import yaml
from kedro.io import DatasetError

from hypnos_pipeline.checks.memory_settings import savings
from hypnos_pipeline.errors import OutOfMemory
from hypnos_pipeline.running.hooks import PlainErrors
from hypnos_pipeline.running.out_of_memory import explained, of_gpu, ran_out
from hypnos_pipeline.study.model import Study
from hypnos_pipeline.study.parts import ValidParts
from tests.end_to_end.shrunken import make_project, shrink

STUDY = "conf/mini/parameters_study.yml"
HYPNOS = "methods.hypnos.hypnos"
CUDA = (
    "CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 15.77 GiB of which "
    "10.12 MiB is free."
)


def torch_on_cpu() -> None:
    import torch

    torch.empty(1 << 55, dtype=torch.uint8)


def torch_on_gpu() -> None:
    import torch

    raise torch.OutOfMemoryError(CUDA)  # what torch raises; no GPU is needed for its class


def wrapped() -> None:
    try:
        np.empty(1 << 55, dtype=np.uint8)
    except MemoryError as error:
        raise DatasetError("Failed while loading data") from error


@pytest.mark.parametrize(
    ("fail", "gpu", "requested"),
    [
        (torch_on_cpu, False, "32.0 PiB more were requested"),
        (torch_on_gpu, True, "20.00 MiB more were requested"),
        (wrapped, False, "32.0 PiB more were requested"),
        (lambda: bytearray(1 << 60), False, ""),
    ],
)
def test_the_real_errors_are_known(fail, gpu, requested):
    with pytest.raises(Exception) as raised:  # noqa: PT011
        fail()
    cause = ran_out(raised.value)
    assert cause is not None
    assert of_gpu(cause) == gpu
    message = explained(cause, "mug.hypnos.finetune", ["sampling.batch: 8 → 4 or less"], "study.yml").message
    assert message.startswith(f"Out of memory in mug.hypnos.finetune: {requested}")
    assert "  - sampling.batch: 8 → 4 or less\n" in message


def test_other_errors_keep_their_traceback():
    error = RuntimeError("mat1 and mat2 shapes cannot be multiplied")
    assert ran_out(error) is None
    PlainErrors().on_pipeline_error(error)


def test_a_dataset_that_does_not_fit_is_explained_too():
    with pytest.raises(DatasetError) as raised:
        wrapped()
    with pytest.raises(OutOfMemory, match=r"loading or saving \(Failed while loading data\): 32.0 PiB more"):
        PlainErrors().on_pipeline_error(raised.value)


@pytest.mark.parametrize("words", ["", "\n"])
def test_an_error_without_words_is_explained_too(words):
    with pytest.raises(OutOfMemory, match=r"^Out of memory in loading or saving: "):
        PlainErrors().on_pipeline_error(MemoryError(words))


@pytest.fixture
def study(project_root) -> dict:
    return yaml.safe_load((project_root / STUDY).read_text())


def keys(study: dict, *reads: str, on_gpu: bool = True) -> list[str]:
    found = savings(ValidParts.of(Study, study), reads, on_gpu)
    return [saving.change.partition(":")[0] for saving in found]


def test_settings_of_a_training_come_in_order(study):
    study["image_size"] = 512
    assert keys(study, HYPNOS, "runtime", "discriminator") == [
        f"{HYPNOS}.optimiser.gradient_checkpointing",
        f"{HYPNOS}.optimiser.kind",
        f"{HYPNOS}.perceptual.gradient_checkpointing",
        f"{HYPNOS}.instance_batch",
        f"{HYPNOS}.class_batch",
        "runtime.precision",
        "image_size",
    ]


def test_settings_of_textual_inversion(study):
    method = "methods.textual_inversion.textual_inversion"
    assert keys(study, method) == [f"{method}.gradient_checkpointing", f"{method}.batch"]


def test_what_helps_no_more_is_left_out(study):
    method = study["methods"]["hypnos"]["hypnos"]
    method["optimiser"] = {"kind": "adamw_8bit", "gradient_checkpointing": True}
    method["weights"]["perceptual"] = 0.0  # nothing is decoded
    method["instance_batch"] = 1
    study["runtime"]["precision"] = "auto"
    assert keys(study, HYPNOS, "runtime", "discriminator") == [f"{HYPNOS}.class_batch"]
    assert f"{HYPNOS}.optimiser.kind" not in keys(study, HYPNOS, on_gpu=False)


@pytest.mark.parametrize("section", ["sampling", "evaluation", "discriminator"])
def test_stages_that_finetune_nothing_take_smaller_batches(study, section):
    method = "methods.textual_inversion.textual_inversion"
    reads = [section] if section == "discriminator" else [section, method]  # read for its words
    assert keys(study, *reads) == [f"{section}.batch"]


# What a stage imports is mapped before the limit, so that it is the stage's own arrays that do not fit. The
# limit ends with the command: libraries that get no memory while Python unloads them may crash.
LIMITED = """
import resource
from pathlib import Path
import pandas, psutil, torch, torchvision, transformers
from diffusers import AutoencoderKL, StableDiffusionPipeline, UNet2DConditionModel
from kedro.framework.cli.cli import KedroCLI

command = KedroCLI(Path.cwd())
room = psutil.Process().memory_info().vms + 400 * 2**20
before = resource.getrlimit(resource.RLIMIT_AS)
resource.setrlimit(resource.RLIMIT_AS, (room, before[1]))
try:
    command.main(["run", "--pipelines=class_prior"], prog_name="kedro")
finally:
    resource.setrlimit(resource.RLIMIT_AS, before)
"""


def large(study: dict) -> dict:
    small = shrink(study) | {"image_size": 512}
    small["sampling"] |= {"batch": 16, "steps": 1}
    small["class_prior"]["count"] = 16
    return small


def test_a_stage_that_runs_out_says_what_to_change(tmp_path):
    project = make_project(tmp_path / "project", change=large)
    environment = os.environ | {"MALLOC_ARENA_MAX": "1"}  # each thread's own would take room, more or less
    ended = subprocess.run(
        [sys.executable, "-c", LIMITED], cwd=project, env=environment, capture_output=True, text=True
    )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr + ended.stdout
    message = ended.stderr[ended.stderr.index("Error: ") :].splitlines()
    assert message[0].startswith("Error: Out of memory in figurine.class_prior.generate_class_prior: ")
    assert message[0].endswith("(ulimit -v).")
    assert message[1:] == [
        f"In {STUDY}, change the first of these that will do:",
        "  - sampling.batch: 16 → 8 or less",
        "  - runtime.precision: float32 → bfloat16 (activations in half the memory)",
        "  - image_size: 512 → less (every image is made anew)",
        "  - or end other programs, or use a machine with more",
        "0 of 1 nodes are finished and kept. When this is fixed, go on with:",
        "  kedro run --from-nodes=figurine.class_prior.generate_class_prior",
    ]
