"""The pipeline ``reporting`` on synthetic datasets of a study of two subjects."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline
from kedro.runner import SequentialRunner
from PIL import Image

from hypnos_pipeline.errors import Problem
from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.metrics.settings import EvaluationSettings
from hypnos_pipeline.pipeline_registry import STAGES
from hypnos_pipeline.pipelines.reporting import create_pipeline
from hypnos_pipeline.pipelines.reporting.collected import own_prompt_sets
from hypnos_pipeline.reporting.findings import FINDING_COLUMNS
from hypnos_pipeline.study.model import Study
from tests.reporting.conftest import score

NETWORKS = ("text_to_image", "perceptual", "dino", "clip", "clip_b32", "inception", "lpips")
HANDED_OUT = (
    ".subject_scores",
    ".subject_backgrounds",
    ".subject_figures",
    ".subject_image_values",
    ".subject_photos",
)


OF_TRAININGS = ("scores", "pairs", "sample_check", "evaluation_report", "learning_curve", "training_report")
"""What is read of all trainings; the figures show the first one's."""


class Kept(MemoryDataset):
    """Stays loaded after the last node that reads it."""

    def _release(self) -> None:
        pass


@pytest.fixture
def parameters(project_root) -> dict[str, Any]:
    study = yaml.safe_load((project_root / "conf/mini/parameters_study.yml").read_text())
    study["subjects"].pop("rattan_chair")
    study["models"] = {name: {"folder": name} for name in (*NETWORKS, "matting")}
    return study


@pytest.fixture
def study(parameters) -> Study:
    return Study.from_parameters(parameters)


def inputs(study: Study) -> dict[str, Any]:
    """Returns what earlier pipelines leave: photos, samples, curves, scores, sheets and reports."""
    image = np.full((64, 64, 3), 120, np.uint8)
    rows = [
        {"name": f"{p}/{i:03d}", "prompt_set": p, "index": i, "prompt": f"a photo {i}"}
        for p in study.prompt_sets
        for i in range(3)
    ]
    curve = pd.DataFrame({"step": [1, 2, 3], "loss": [0.3, 0.2, 0.1], "loss_reconstruction": [0.3, 0.2, 0.1]})
    sheet = Image.new("RGB", (80, 40), "teal")
    pairs = pd.DataFrame({"prompt_set": "varying", "metric": "psnr", "value": [10.0, 11.0, 12.0]})
    pairs = pairs.assign(image=["varying/000", "varying/001", "varying/002"], colour="", photo="a")
    requested = pd.DataFrame({"colour": ["red", "blue", "red"], "value": [5.0, 6.0, 7.0], "photo": ""})
    requested = requested.assign(
        prompt_set="backgrounds", metric="background_obeyed", image=[f"backgrounds/{i:03d}" for i in range(3)]
    )
    problem = asdict(Problem("a", "touches the border", "exclude it", "warning"))
    network = {"id": "dino", "revision": None, "sha256": "ab" * 32}
    found: dict[str, Any] = {}
    for subject in study.subjects:
        found[f"{subject}.working_photos"] = ImageSet({"a": image})
        found[f"{subject}.mattes"] = ImageSet({"a": image[..., 0]})
        found[f"{subject}.true_mattes"] = ImageSet({"a": image[..., 0]})
        found[f"{subject}.true_foregrounds"] = ImageSet({"a": image})
        for name in ("matte_sheet", "pool_sheet", "class_prior_sheet", "discriminator_attention"):
            found[f"{subject}.{name}"] = sheet
        found[f"{subject}.matte_report"] = [
            {"photo": "a", "area": 0.15, "backend": "grabcut", "problems": [problem]}
        ]
        found[f"{subject}.discriminator_curve"] = curve
        found[f"{subject}.class_prior_report"] = {"source": "generate"}
        found[f"{subject}.discriminator_report"] = {"accuracy": {"negative": 0.875}}
        for number, (family, method) in enumerate(study.entries()):
            found[f"{subject}.{method}.samples"] = ImageSet({row["name"]: image for row in rows}, rows)
            found[f"{subject}.{method}.scores"] = pd.DataFrame(
                [
                    score(p, subject, method, m, 0.5 + number)
                    for p in study.prompt_sets
                    for m in ("fid", "psnr")
                ]
            )
            found[f"{subject}.{method}.sample_sheet"] = sheet
            found[f"{subject}.{method}.cut_out_sheet"] = sheet
            check = {"images": 3, "spread": 2.0, "blank": 3, "change": 30.0, "warnings": ["all blank"]}
            found[f"{subject}.{method}.sample_check"] = {"varying": check}
            farther = requested.assign(value=requested["value"] + 10 * number)
            found[f"{subject}.{method}.pairs"] = pd.concat([pairs, farther], ignore_index=True)
            report = {"networks": {"dino": network}, "truth": {"a": "known masks"}}
            found[f"{subject}.{method}.evaluation_report"] = report
            if family != "base":
                found[f"{subject}.{method}.learning_curve"] = curve
                found[f"{subject}.{method}.preview_strip"] = sheet
                found[f"{subject}.{method}.training_report"] = {"steps": 160 + number}
            for training in study.further_trainings:
                for kind in OF_TRAININGS:
                    if (first := f"{subject}.{method}.{kind}") in found:
                        found[f"{subject}.{method}.training_{training}.{kind}"] = found[first]
    return found


def test_outside_a_subject_only_what_it_hands_out_is_read(study) -> None:
    for node in create_pipeline(study).nodes:
        if node.namespace is None:
            leaves = [name for name in node.inputs if "." in name and not name.startswith("params:")]
            assert all(leaf.endswith(HANDED_OUT) for leaf in leaves)
        else:
            assert node.namespace.removesuffix(".reporting") in study.subjects


def test_a_subject_hands_out_its_scores_intervals_figures_and_one_page(study) -> None:
    """Of all eight stages: what is a leaf of a subject stands loose beside its box in kedro-viz."""
    full = sum((stage.create_pipeline(study) for stage in STAGES.values()), Pipeline([]))
    for subject in study.subjects:
        inside = full.only_nodes_with_namespaces([subject])
        handed_out = inside.outputs() | (inside.all_outputs() & (full - inside).inputs())
        leaves = (".subject_page", *HANDED_OUT)
        assert handed_out == {f"{subject}{leaf}" for leaf in leaves}


def test_the_tag_that_dvc_runs_names_what_belongs_to_no_subject(study) -> None:
    pipeline = create_pipeline(study)
    tagged = pipeline.only_nodes_with_tags("study").nodes
    assert set(tagged) == {node for node in pipeline.nodes if node.namespace is None}
    assert len(tagged) == 8


def test_free_inputs_are_the_contracts(study) -> None:
    pipeline = create_pipeline(study)
    parameters = {
        "params:subjects",
        "params:methods",
        "params:prompt_sets",
        "params:evaluation",
        "params:augmentation",
        "params:env",
        "params:seed",
        "params:image_size",
        *(f"params:models.{name}" for name in NETWORKS if name != "perceptual"),
    }
    assert pipeline.inputs() == parameters | {"recorded_findings"} | set(inputs(study))


def test_a_prompt_set_of_the_pools_prompts_alone_is_hypnos_own(parameters) -> None:
    colours = {"kind": "colours", "images": 4}
    sets = {
        "own": colours | {"colours": ["red", "white"]},
        "beside": colours | {"colours": ["red", "grey"]},
        "walls": colours | {"colours": ["red"], "template": "a photo of {subject} in a {colour} walled room"},
        "plain": {"kind": "fixed", "prompts": ["a photo of {subject}"], "images": 4},
    }
    pool = parameters["augmentation"] | {"colours": ["red", "white", "blue"]}
    assert own_prompt_sets(sets, pool, seed=42) == {"own"}


def test_further_trainings_are_collected_with_the_first(parameters) -> None:
    study = Study.from_parameters(parameters | {"trainings": 3, "further_trainings": [2, 3]})
    pipeline, known = create_pipeline(study), inputs(study)
    read = {name for name in pipeline.inputs() if not name.startswith("params:")}
    assert read == {"recorded_findings", *known}
    known["figurine.hypnos.training_3.scores"] = known["figurine.hypnos.scores"].assign(mean=2.5)
    known["params:methods"] = parameters["methods"]
    wanted = ("figurine.subject_scores", "figurine.subject_image_values")
    chosen = pipeline.to_outputs(*wanted)
    catalog = DataCatalog({name: MemoryDataset(known[name]) for name in chosen.inputs()})
    for name in wanted:
        catalog[name] = Kept()
    SequentialRunner().run(chosen, catalog)
    scores = catalog.load(wanted[0]).query("method == 'hypnos' and metric == 'psnr'")
    assert set(scores[["training", "mean"]].itertuples(index=False, name=None)) == {
        (1, 0.5),
        (2, 0.5),
        (3, 2.5),
    }
    assert "training" in catalog.load(wanted[1])


def test_a_study_of_the_base_model_alone_has_no_curves(parameters) -> None:
    parameters["methods"] = {"base": {"base": {}}}
    outputs = create_pipeline(Study.from_parameters(parameters)).all_outputs()
    assert {"figurine.comparison_grid", "figurine.subject_page"} <= outputs
    assert "figurine.learning_curves_figure" not in outputs


def test_the_whole_pipeline(study, parameters, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in NETWORKS:
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(json.dumps({"name": name}))
    parameters["evaluation"]["metrics"] = ["fid", "psnr", "background_obeyed"]
    # What Kedro makes of the parameters: models where a node's annotation asks for them.
    parameters["subjects"]["figurine"] = study.subjects["figurine"]
    parameters["methods"]["hypnos"]["hypnos"] = study.methods.hypnos["hypnos"]
    parameters["evaluation"] = EvaluationSettings.model_validate(parameters["evaluation"])
    names = ("subjects", "methods", "prompt_sets", "augmentation", "evaluation", "seed", "image_size")
    data = inputs(study) | {f"params:{name}": parameters[name] for name in names}
    data["params:env"] = "paper"
    data["recorded_findings"] = pd.DataFrame(columns=FINDING_COLUMNS)
    data |= {f"params:models.{name}": getattr(study.models, name) for name in NETWORKS}
    pipeline = create_pipeline(study)
    catalog = DataCatalog({name: MemoryDataset(value) for name, value in data.items()})
    for name in pipeline.all_outputs():
        catalog[name] = Kept()
    SequentialRunner().run(pipeline, catalog)

    cells = catalog.load("cells")
    assert len(cells) == 2 * len(study.entries()) * len(study.prompt_sets) * 2
    assert catalog.load("metrics")["varying"]["lego_robot"]["hypnos"]["psnr"] == 0.5
    markdown = catalog.load("table_1_md")
    for method in ("HYPNOS (LR=2e-4)", "DreamBooth (LR=1e-4)", "DreamBooth (LR=2e-4)", "Base model"):
        assert method in markdown
    assert "FID: inception (sha256" in markdown
    assert "Table 2" in catalog.load("table_2_md")
    backgrounds = catalog.load("backgrounds_md")
    assert "HYPNOS (LR=2e-4) − DreamBooth (LR=1e-4)" in backgrounds
    assert not {"better", "worse"} & set(backgrounds.split())
    assert "known masks" in backgrounds
    assert "Background" not in markdown
    assert catalog.load("backgrounds_tex").startswith("% needs")
    assert all(catalog.load(f"table_{name}_tex").startswith("% needs") for name in ("1", "2", "difference"))
    for subject in study.subjects:
        for figure in (
            "comparison_grid",
            "first_samples",
            "ablation_grid",
            "flagged_failures",
            "learning_curves_figure",
        ):
            assert isinstance(catalog.load(f"{subject}.{figure}"), Image.Image)
        page = catalog.load(f"{subject}.subject_page")
        for shown in (
            "touches the border",
            "exclude it",
            "accuracy.negative",
            "0.875",
            "DreamBooth (LR=2e-4)",
            "161",
            "ab" * 32,
            "all blank; the base model fails too",
        ):
            assert shown in page
        trained = [method for family, method in study.entries() if family != "base"]
        stages = page[page.index('<section id="stages">') :]
        sheets = stages.partition("</section>")[0].count("<img")
        assert sheets == 5 + 5 + 2 * len(study.entries()) + len(trained)
    page = catalog.load("study_page")
    assert "kedro cell trace --table 2 --subject lego_robot --method base --metric psnr --env paper" in page
    for figure in ("loss_curve_figure", "instance_images_figure", "prompt_grammar_figure"):
        assert isinstance(catalog.load(figure), Image.Image)
    assert catalog.load("ablations").empty
    assert "No method of this study states what the paper expects" in catalog.load("ablations_md")
    assert 'id="ablations"' not in page
