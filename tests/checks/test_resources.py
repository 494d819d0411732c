"""Estimates of memory and disk: made of the networks' true sizes, and compared with this machine."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
import yaml

from hypnos_pipeline.checks.needs import disk_need, memory_need
from hypnos_pipeline.checks.resources import disk_finding, links_to_cache, memory_findings, priors_finding
from hypnos_pipeline.checks.sizes import NetworkSizes, network_sizes
from hypnos_pipeline.checks.study_files import StudyFiles
from hypnos_pipeline.errors import Problem
from hypnos_pipeline.storage.made_once import PRIORS
from hypnos_pipeline.storage.settings import OFF, CheckpointSettings
from hypnos_pipeline.study.model import Study
from hypnos_pipeline.study.parts import ValidParts

SD = NetworkSizes()

# Of one subject and method: three prompt sets of 24, six on HYPNOS's own colours, and eight to disentangle.
IMAGES = 3 * 16 + 6 + 4


@pytest.fixture
def study(project_root, monkeypatch) -> dict:
    monkeypatch.chdir(project_root)
    return yaml.safe_load((project_root / "conf/mini/parameters_study.yml").read_text())


def parts(study: dict) -> ValidParts:
    return ValidParts.of(Study, study)


def paper(study: dict) -> dict:
    """The paper's sizes: 512 px, one instance and one class image, 8-bit Adam, half precision."""
    study["image_size"] = 512
    study["runtime"]["precision"] = "bfloat16"
    study["sampling"]["batch"] = 1
    common = {"instance_batch": 1, "class_batch": 1, "optimiser": {"kind": "adamw_8bit"}}
    study["methods"]["hypnos"]["hypnos"] |= common
    for method in study["methods"]["dreambooth"].values():
        method |= common
    return study


def test_sizes_are_those_of_the_loaded_networks(study):
    from hypnos_pipeline.models.networks import load_timm
    from hypnos_pipeline.models.text_to_image import load_text_to_image

    def count(network) -> int:
        return sum(tensor.numel() for tensor in network.state_dict().values())

    model = load_text_to_image(Path(study["models"]["text_to_image"]["folder"]))
    perceptual = load_timm(Path(study["models"]["perceptual"]["folder"]))
    sizes = network_sizes(parts(study))
    assert (sizes.unet, sizes.text_encoder, sizes.vae) == tuple(
        map(count, (model.unet, model.text_encoder, model.vae))
    )
    assert sizes.perceptual == pytest.approx(count(perceptual), rel=0.01)
    assert (sizes.unet_width, sizes.decoder_width) == (
        model.unet.config.block_out_channels[0],
        model.vae.config.block_out_channels[0],
    )
    assert not sizes.assumed


def test_stable_diffusion_stands_in_for_what_is_absent(study):
    study["models"]["text_to_image"] = {"folder": "data/nowhere"}
    sizes = network_sizes(parts(study))
    assert (sizes.model, sizes.assumed) == (SD.model, True)
    assert sizes.metrics < SD.metrics / 100  # those are here


def test_memory_of_a_training_step(study):
    study = paper(study)
    need = memory_need(parts(study), SD, on_gpu=True)
    assert need.what == "training hypnos"
    # By hand, GB: CUDA's own 1.0, weights 4.30, 8-bit states 2.00, gradients 3.93.
    assert need.least == pytest.approx(11.23e9, rel=0.002)
    study["runtime"]["memory"] = 12
    smaller = memory_need(parts(study), SD, on_gpu=True)
    assert smaller.least == need.least
    assert need.least < smaller.about < need.about
    study["methods"]["hypnos"]["hypnos"]["optimiser"]["kind"] = "adamw"
    larger = memory_need(parts(study), SD, on_gpu=True)
    assert larger.least - need.least == pytest.approx(6 * SD.trained, rel=0.01)
    study["runtime"] |= {"precision": "float32"}
    assert memory_need(parts(study), SD, on_gpu=True).about > larger.about


def test_smaller_networks_and_images_need_less(study):
    miniature = network_sizes(parts(study))
    on_cpu = memory_need(parts(study), miniature, on_gpu=False)
    assert on_cpu.about < 3e9
    study["image_size"] = 512
    assert memory_need(parts(study), miniature, on_gpu=False).about > on_cpu.about + 1e9


def test_disk_of_a_study(study):
    need = disk_need(parts(paper(study)), SD, 12, CheckpointSettings(keep_gigabytes=1))
    one = 4 * SD.model
    assert need.least == 10 * one  # three subjects with three full finetunes each, one being replaced
    samples, priors, pool = 3 * 5 * IMAGES, 3 * 64, 12 * (1 + 30 + 15 + 4 * 12 + 3)
    checkpoints = 2 * (4 + 2 + 2 * 4 / 256) * SD.trained + 1e9
    images = (samples + priors + pool) * 3 * 512**2
    assert need.about - need.least == pytest.approx(images + checkpoints)


def test_every_training_keeps_a_model_and_its_samples(study):
    once, thrice = (disk_need(parts(study | {"trainings": count}), SD, 12, OFF) for count in (1, 3))
    assert (once.what, thrice.what) == ("9 finetuned models", "27 finetuned models")
    assert thrice.least - once.least == 18 * 4 * SD.model
    assert thrice.about - thrice.least - (once.about - once.least) == 2 * 3 * 5 * IMAGES * 3 * 64**2


def test_without_checkpoints_and_models_images_are_all(study):
    study["methods"] = {"base": {"base": {}}}
    assert disk_need(parts(study), SD, 0, OFF).about == (3 * IMAGES + 3 * 64) * 3 * 64**2


def test_networks_still_to_come_take_room(study, tmp_path, monkeypatch):
    before = disk_finding(StudyFiles(tmp_path, "mini", study, {}, []), SD, photos=0)
    assert "of networks" not in before.what
    study["models"]["text_to_image"] |= {"folder": "data/nowhere", "hub": "nobody/model"}
    after = disk_finding(StudyFiles(tmp_path, "mini", study, {}, []), SD, photos=0)
    assert "4.0 GiB of networks" in after.what


def test_more_than_this_machine_has(study, project_root):
    study = paper(study)
    study["methods"]["hypnos"]["hypnos"] |= {"instance_batch": 4096}
    (memory,) = memory_findings(parts(study), SD)
    assert isinstance(memory, Problem)
    assert "less with methods.hypnos.hypnos.optimiser.gradient_checkpointing: false → true, " in memory.fix
    study["runtime"]["memory"] = 24
    (memory,) = memory_findings(parts(study), SD)
    assert "less with runtime.memory: 24 → 12, " in memory.fix
    many = psutil.disk_usage(str(project_root)).free // (4 * SD.model) + 1
    method = study["methods"]["dreambooth"]["dreambooth_low_lr"]
    study["methods"]["dreambooth"] = {f"copy_{index}": method for index in range(many)}
    disk = disk_finding(StudyFiles(project_root, "mini", study, {}, []), SD, photos=12)
    assert disk.severity == "error"
    assert disk.fix == "make room, or put the project on a larger disk"


@pytest.mark.parametrize(
    ("config", "linked"),
    [
        ('[cache]\n    type = "reflink,hardlink,copy"\n', True),
        ("[cache]\n    type = copy\n", False),
        ("", False),
    ],
)
def test_whether_dvc_s_cache_takes_room_of_its_own(tmp_path, config, linked):
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/config").write_text(config)
    assert links_to_cache(tmp_path) == linked


def test_what_kept_class_priors_take(tmp_path):
    assert priors_finding(tmp_path) == []
    for name in ("a", "b"):
        (tmp_path / PRIORS / name).mkdir(parents=True)
        (tmp_path / PRIORS / name / "state.json").write_bytes(bytes(2048))
    (finding,) = priors_finding(tmp_path)
    assert finding.what.startswith("2 kept for subjects of the same nouns, 4 KiB")
