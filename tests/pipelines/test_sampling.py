"""The two pipelines as Kedro sees them: what each namespace reads, and a run on tiny models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from hypnos_pipeline.pipelines import class_prior, sampling
from hypnos_pipeline.study.model import Study
from tests.tiny_models import save_tiny_text_to_image


@pytest.fixture
def parameters(project_root: Path, tmp_path: Path) -> dict[str, Any]:
    study = yaml.safe_load((project_root / "conf/mini/parameters_study.yml").read_text())
    study["models"]["text_to_image"] = {"folder": str(save_tiny_text_to_image(tmp_path / "base"))}
    study["prompt_sets"] = {"invariant": {"kind": "fixed", "prompts": ["a photo of {subject}"], "images": 2}}
    study["runtime"]["threads"] = 1
    study["image_size"] = 16
    study["class_prior"]["count"] = 3
    study["sampling"] = {"steps": 2, "guidance": 3.0, "batch": 2}
    study["checkpoints"] = {"folder": str(tmp_path / "checkpoints"), "priors_gigabytes": 0}
    return study


def test_every_slice_reads_what_its_family_needs(parameters: dict[str, Any]) -> None:
    study = Study.from_parameters(parameters)
    pipeline = sampling.create_pipeline(study)
    assert len(pipeline.nodes) == len(study.subjects) * len(study.entries())
    hypnos = pipeline.filter(node_namespaces=["lego_robot.hypnos"])
    assert hypnos.all_outputs() == {
        f"lego_robot.hypnos.{name}" for name in ("samples", "sample_sheet", "sample_check")
    }
    assert "lego_robot.hypnos.finetuned" in hypnos.inputs()
    assert "params:models.text_to_image" not in hypnos.inputs()
    token = pipeline.filter(node_namespaces=["lego_robot.textual_inversion"])
    assert {
        "lego_robot.textual_inversion.finetuned",
        "params:models.text_to_image",
        "params:methods.textual_inversion.textual_inversion",
    } <= token.inputs()
    base = pipeline.filter(node_namespaces=["lego_robot.base"])
    assert all(name.startswith("params:") for name in base.inputs())
    prior = class_prior.create_pipeline(study)
    assert prior.all_outputs() == {
        f"{subject}.{name}"
        for subject in study.subjects
        for name in ("class_prior", "class_prior_report", "class_prior_sheet")
    }


def test_pipelines_run_from_plain_parameters(parameters: dict[str, Any]) -> None:
    from kedro.io import DataCatalog, MemoryDataset
    from kedro.runner import SequentialRunner

    study = Study.from_parameters(parameters)
    pipeline = class_prior.create_pipeline(study).filter(node_namespaces=["lego_robot"])
    pipeline += sampling.create_pipeline(study).filter(node_namespaces=["lego_robot.base"])
    catalog = DataCatalog({name: MemoryDataset(_value(parameters, name)) for name in pipeline.inputs()})
    outputs = SequentialRunner().run(pipeline, catalog)
    prior = outputs["lego_robot.class_prior"].load()
    samples = outputs["lego_robot.base.samples"].load()
    assert prior.stack().shape == (3, 16, 16, 3)
    assert list(samples.images) == ["invariant/000", "invariant/001"]


def _value(parameters: dict[str, Any], name: str) -> Any:
    """Looks a ``params:a.b`` up and validates what Kedro's own validation would instantiate."""
    from hypnos_pipeline.models import settings as models
    from hypnos_pipeline.prompting.settings import SubjectSettings
    from hypnos_pipeline.storage.settings import CheckpointSettings

    value: Any = parameters
    for key in name.removeprefix("params:").split("."):
        value = value[key]
    kinds = {
        "params:models.text_to_image": models.ModelReference,
        "params:runtime": models.RuntimeSettings,
        "params:sampling": models.SamplerSettings,
        "params:class_prior": models.ClassPriorSettings,
        "params:checkpoints": CheckpointSettings,
    }
    kind = SubjectSettings if name.startswith("params:subjects.") else kinds.get(name)
    return kind.model_validate(value) if kind else value
