"""The environment ``paper``: the paper's numbers, stated again; every key explicit, every pin cited."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pandas as pd
import pytest
import yaml
from pydantic import BaseModel

from hypnos_pipeline.imaging.colours import COLOURS
from hypnos_pipeline.metrics.registry import METRICS
from hypnos_pipeline.prompting.prompt_sets import expand, grammar_combinations
from hypnos_pipeline.prompting.templates import instance_phrase, two_clause_prompt
from hypnos_pipeline.study.model import Study

FILE = "conf/paper/parameters_study.yml"
SUBJECTS = {"figurine": "funko", "rattan_chair": "rattan_chair", "lego_robot": "lego_robot"}
CLIP_LENGTH = 77
PINNED = re.compile(r'^\s+(?:revision|sha256|sha512): "([0-9a-f]+)"(.*)$')
CITED = re.compile(r"# github [\w.-]+/[\w.-]+, \S+")


@pytest.fixture(scope="module")
def text(project_root) -> str:
    return (project_root / FILE).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def parameters(text) -> dict[str, Any]:
    return yaml.safe_load(text)


@pytest.fixture(scope="module")
def study(parameters) -> Study:
    return Study.from_parameters(parameters)


def test_the_numbers_are_the_papers(study):
    assert (study.seed, study.image_size) == (42, 512)
    hypnos = study.methods.hypnos["hypnos"]
    assert (hypnos.steps, hypnos.learning_rate) == (800, 2e-6)
    assert (hypnos.instance_batch, hypnos.class_batch) == (1, 1)
    assert hypnos.weights.model_dump() == {
        "reconstruction": 1.0, "prior": 1.0, "perceptual": 0.003, "discriminator": 0.5,
    }  # fmt: skip
    assert hypnos.perceptual_steps() == 500
    assert hypnos.perceptual.stage_weights == (0.35, 0.45, 0.2)
    assert (hypnos.augmentation.recolour_probability, hypnos.augmentation.resize_probability) == (0.66, 0.10)
    assert hypnos.augmentation.prompts == "two_clause"
    rates = {name: method.learning_rate for name, method in study.methods.dreambooth.items()}
    assert rates == {"dreambooth_low_lr": 1e-6, "dreambooth_high_lr": 2e-6}
    for method in (hypnos, *study.methods.dreambooth.values()):
        assert (method.steps, method.optimiser.kind, method.optimiser.clip_norm) == (800, "adamw_8bit", 1.0)
        assert method.optimiser.weight_decay == 1e-2
        assert study.runtime.recomputes("unet", method.optimiser.gradient_checkpointing)
    inversion = study.methods.textual_inversion["textual_inversion"]
    assert (inversion.steps, inversion.learning_rate, inversion.phrase) == (1500, 2e-3, "token")
    assert len(set(inversion.templates)) == len(inversion.templates) == 27  # as many as were published
    assert study.class_prior.count == 200
    discriminator = study.discriminator
    assert (discriminator.width, discriminator.depth, discriminator.heads) == (192, 3, 3)
    assert discriminator.steps == 600
    assert (study.sampling.steps, study.sampling.guidance) == (50, 7.5)
    assert (study.runtime.precision, study.runtime.frozen_vae) == ("auto", "half")
    assert set(study.evaluation.metrics) == set(METRICS)


def test_what_the_numbers_come_to(study):
    """σ of Eq. 3 and the discriminator's size, from the configuration itself."""
    from hypnos_pipeline.training.latent_discriminator import LatentDiscriminator
    from hypnos_pipeline.training.losses import resolve_sigma

    assert resolve_sigma(study.methods.hypnos["hypnos"].reconstruction) == pytest.approx(1.38191, abs=1e-5)
    network = LatentDiscriminator(study.discriminator, (4, 64, 64), seed=0)
    assert sum(parameter.numel() for parameter in network.parameters()) == pytest.approx(1.59e6, rel=5e-3)


def test_subjects_and_rows_of_the_paper(study):
    assert {name: subject.paper_row for name, subject in study.subjects.items()} == SUBJECTS
    assert [subject.noun for subject in study.subjects.values()] == ["figurine", "rattan chair", "lego robot"]
    words = {(subject.instance_word, subject.background_word) for subject in study.subjects.values()}
    assert words == {("sks", "ohwx")}


def test_images_of_a_cell(study):
    assert {name: prompts.images for name, prompts in study.prompt_sets.items()} == {
        "invariant": 50, "varying": 50, "backgrounds": 56, "backgrounds_trained": 24,
        "disentangle": 50,
    }  # fmt: skip
    assert not {*study.prompt_sets["backgrounds"].colours} & {*study.augmentation.colours}
    assert study.prompt_sets["backgrounds_trained"].colours == study.augmentation.colours
    assert expand(study.prompt_sets["invariant"], "invariant", 42) == ["a photo of {subject}"] * 50
    scene, subject = study.prompt_sets["disentangle"].prompts
    assert "green walled room" in scene.prompt
    assert (scene.scene, scene.object) == ("green", [])
    assert "purple and green {subject}" in subject.prompt
    assert (subject.scene, subject.object) == (None, ["purple", "green"])


def test_varying_prompts_are_many_and_their_words_are_free_of_trainings(study):
    combinations = grammar_combinations(study.prompt_sets["varying"], "varying")
    prompts = [prompt for each in combinations.values() for prompt in each]
    assert len(set(prompts)) == len(prompts) >= 50
    drawn = expand(study.prompt_sets["varying"], "varying", study.seed)
    assert len(set(drawn)) == 50
    assert {prompt.split(" of ")[0].removeprefix("a ") for prompt in drawn} == set(combinations)
    for prompt in prompts:
        words = set(re.findall(r"\w+", prompt.lower()))
        assert not {"ohwx", "sks", "background"} & words
        assert prompt.count("{subject}") == 1


def test_every_prompt_fits_clip(study):
    for subject in study.subjects.values():
        phrase = instance_phrase(subject)
        prompts = [two_clause_prompt(phrase, background) for background in (*COLOURS, "ohwx")]
        combinations = grammar_combinations(study.prompt_sets["varying"], "varying")
        prompts += [prompt.format(subject=phrase) for each in combinations.values() for prompt in each]
        for name, settings in study.prompt_sets.items():
            prompts += [prompt.format(subject=phrase) for prompt in expand(settings, name, study.seed)]
        longest = max(prompts, key=most_tokens)
        assert most_tokens(longest) <= CLIP_LENGTH, longest


def most_tokens(prompt: str) -> int:
    """An upper bound of CLIP's tokens for plain English, both ends included.

    Its vocabulary has every digit, sign and, of these words, pieces of at least three letters on average
    (the worst is ``chiaroscuro`` with four).
    """
    words = re.findall(r"[a-z]+", prompt.lower())
    signs = re.findall(r"[^a-z\s]", prompt.lower())
    return 2 + sum(math.ceil(len(word) / 3) for word in words) + len(signs)


def test_every_setting_is_stated(study, parameters):
    assert list(unstated(study, parameters)) == []


def test_a_setting_that_is_left_to_its_default_is_found(study, parameters):
    less = yaml.safe_load(yaml.safe_dump(parameters))
    del less["methods"]["hypnos"]["hypnos"]["z0_weighting"]
    del less["subjects"]["figurine"]["exclude"]
    found = list(unstated(Study.from_parameters(less), less))
    assert found == ["subjects.figurine.exclude", "methods.hypnos.hypnos.z0_weighting"]


def unstated(value: Any, stated: Any, path: str = "") -> Iterator[str]:
    """Names every field of a settings model, at any depth, that the file leaves to its default.

    A network's sources exclude each other, so of a reference only folder, source and pin are to be stated.
    """
    from hypnos_pipeline.models.settings import ModelReference

    if isinstance(value, ModelReference):
        expected = {"folder", "hub", "revision"} if value.hub else {"folder", "url", "sha256"}
        yield from sorted(f"{path}.{name}" for name in expected - stated.keys())
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            place = f"{path}.{name}".lstrip(".")
            if name not in stated:
                yield place
            else:
                yield from unstated(getattr(value, name), stated[name], place)
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from unstated(each, stated[name], f"{path}.{name}")


def test_networks_come_from_the_published_places_into_one_folder_each(study):
    references = dict(study.models)
    folders = [reference.folder for reference in references.values()]
    assert all(folder.startswith("data/01_raw/models/paper/") for folder in folders)
    assert len(set(folders)) == len(folders)
    assert {name: reference.hub for name, reference in references.items() if reference.hub} == {
        "text_to_image": "stable-diffusion-v1-5/stable-diffusion-v1-5",
        "perceptual": "timm/efficientnet_b1.ft_in1k",
        "dino": "facebook/dino-vits16",
        "clip": "openai/clip-vit-large-patch14",
        "clip_b32": "openai/clip-vit-base-patch32",
        "matting": "Carve/tracer_b7",
    }
    published = {name: reference for name, reference in references.items() if reference.url}
    assert set(published) == {"inception", "lpips"}
    for reference in published.values():  # such a file's name ends with the first digits of its digest
        assert reference.sha256.startswith(reference.url.rsplit("-", 1)[1].removesuffix(".pth"))


def test_every_pin_says_where_it_was_read(text, study):
    lines = text.splitlines()
    pins = []
    for above, line in pairwise(lines):
        if found := PINNED.match(line):
            pins.append(found[1])
            assert CITED.search(found[2]) or CITED.search(above), line
    given = [
        pin
        for reference in dict(study.models).values()
        for pin in (reference.revision, reference.sha256, reference.sha512)
    ]
    assert pins == [pin for pin in given if pin]


def test_the_background_remover_is_the_papers(study):
    """By the name of the file to which ``kedro models fetch`` converts the published ``tracer_b7.pth``."""
    settings = study.background_removal
    assert (settings.backend, settings.options["file"]) == ("tracer_b7", "tracer_b7.safetensors")


def scores(study: Study) -> pd.DataFrame:
    """A score in every cell of a study."""
    rows = [
        (prompt_set, subject, method, metric, 0.5, 0.1, 0.05, 200)
        for prompt_set in study.prompt_sets
        for subject in study.subjects
        for _, method in study.entries()
        for metric in study.evaluation.metrics
    ]
    names = ["prompt_set", "subject", "method", "metric", "mean", "std", "std_images", "n"]
    return pd.DataFrame(rows, columns=names)


def test_all_168_values_of_the_paper_stand_beside_ours(study, parameters):
    from hypnos_pipeline.pipelines.reporting.collected import labels_of
    from hypnos_pipeline.pipelines.reporting.study_nodes import collect_study_cells
    from hypnos_pipeline.reporting.paper_values import paper_values
    from hypnos_pipeline.reporting.table import to_markdown
    from hypnos_pipeline.reporting.tables import Scope, prompt_invariant_table, prompt_varying_table

    maps = [parameters[name] for name in ("subjects", "methods", "prompt_sets")]
    cells, *_ = collect_study_cells(*maps, all_scores=scores(study))
    beside = cells.dropna(subset=["paper"])
    key = ["table", "subject", "method", "metric"]
    found = beside.assign(subject=beside["subject"].map(SUBJECTS)).set_index(key)["paper"]
    assert found.sort_index().to_dict() == paper_values().set_index(key)["value"].sort_index().to_dict()
    assert len(found) == 168

    scope = Scope(labels_of(parameters["methods"]), list(study.subjects))
    tables = [make(cells, scope) for make in (prompt_invariant_table, prompt_varying_table)]
    entries = [
        entry.text for table in tables for block in table.blocks for row in block for entry in row.entries
    ]
    assert sum("[" in text for text in entries) == 168
    assert "0.5000 ± 0.1000 [0.7851]" in to_markdown(tables[0])
    assert all("the paper's photos were others" in to_markdown(table) for table in tables)


@pytest.mark.parametrize("env", ["mini", "rehearsal"])
def test_elsewhere_no_value_of_the_paper_is_printed(project_root, env):
    study = Study.from_parameters(
        yaml.safe_load((project_root / f"conf/{env}/parameters_study.yml").read_text())
    )
    assert not any(subject.paper_row for subject in study.subjects.values())
