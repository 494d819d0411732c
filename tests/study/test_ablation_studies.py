"""The two ablation studies: method.md §7's list, on the miniature models and at the paper's own scale."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from hypnos_pipeline.study.model import Study

MINI, PAPER = "mini_ablation", "paper_ablation"
WORDS = ("label", "expectations")
RELATIVE = ("learning_rate", "weights")
"""What an entry halves or multiplies; everything else it sets to the same value in both studies."""


@pytest.fixture(scope="module")
def study_of(project_root) -> Callable[[str], Study]:
    def read(env: str) -> Study:
        file = project_root / f"conf/{env}/parameters_study.yml"
        return Study.from_parameters(yaml.safe_load(file.read_text(encoding="utf-8")))

    return read


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of nested maps, by its dotted path."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from leaves(each, f"{path}.{key}".lstrip("."))
    else:
        yield path, value


def changes(study: Study) -> dict[str, dict[str, Any]]:
    """What each entry changes of its study's own HYPNOS: a factor where it is relative, else the value."""
    reference = dict(leaves(study.methods.hypnos["hypnos"].model_dump(exclude=set(WORDS))))
    found = {}
    for name, entry in study.methods.hypnos.items():
        values = dict(leaves(entry.model_dump(exclude=set(WORDS))))
        changed = {path: value for path, value in values.items() if value != reference.get(path)}
        for path in changed:
            if path.startswith(RELATIVE):
                changed[path] = pytest.approx(changed[path] / reference[path])
            elif path == "perceptual.steps":
                changed[path] = changed[path] / entry.steps
        found[name.removeprefix("hypnos_")] = changed
    return found


@pytest.mark.parametrize("env", [MINI, PAPER])
def test_an_ablation_study_has_every_entry_of_the_list_and_differs_in_what_it_names(study_of, env):
    """An entry that changed more, or nothing, would ablate something else."""
    study = study_of(env)
    assert changes(study) == {
        "hypnos": {},
        "no_perceptual": {"weights.perceptual": 0},
        "perceptual_all_steps": {"perceptual.steps": 1},
        "no_discriminator": {"weights.discriminator": 0},
        "perceptual_up": {"weights.perceptual": 10},
        "perceptual_down": {"weights.perceptual": 0.1},
        "discriminator_up": {"weights.discriminator": 10},
        "discriminator_down": {"weights.discriminator": 0.1},
        "mse": {"reconstruction.kind": "mse"},
        "sample_mean": {"reconstruction.reduction": "sample_mean"},
        "sigma_steeper": {"reconstruction.sigma": 0.7},
        "sigma_flatter": {"reconstruction.sigma": 2.8},
        "recolour_none": {"augmentation.recolour_probability": 0.0},
        "recolour_third": {"augmentation.recolour_probability": 0.33},
        "recolour_all": {"augmentation.recolour_probability": 1.0},
        "augmentation_only": {
            "reconstruction.kind": "mse", "weights.perceptual": 0, "weights.discriminator": 0,
        },
        "losses_only": {"augmentation.recolour_probability": 0.0, "augmentation.prompts": "plain"},
        "discriminator_frozen": {"discriminator.train": False},
        "half_rate": {"learning_rate": 0.5},
        "twice_rate": {"learning_rate": 2},
        "channel_sum": {"perceptual.reduction": "channel_sum"},
    }  # fmt: skip
    prior = study.subjects["figurine_scene_prior"]
    assert prior.model_copy(update={"class_prior_prompts": None}) == study.subjects["figurine"]
    silent = [name for name, entry in study.methods.hypnos.items() if not entry.expectations]
    assert silent == [
        "hypnos_sample_mean",
        "hypnos_sigma_steeper",
        "hypnos_sigma_flatter",
        "hypnos_channel_sum",
    ]


def test_both_ablation_studies_have_the_same_entries_and_expect_the_same(study_of):
    mini, paper = study_of(MINI), study_of(PAPER)
    assert paper.subjects == mini.subjects
    for family in ("hypnos", "dreambooth", "textual_inversion", "base"):
        ours, theirs = getattr(paper.methods, family), getattr(mini.methods, family)
        assert list(ours) == list(theirs)
        for name, entry in ours.items():
            words = [getattr(theirs[name], word) for word in WORDS]
            assert [getattr(entry, word) for word in WORDS] == words


@pytest.mark.parametrize(
    ("env", "whole", "own"),
    [(MINI, "mini", ["trainings", "further_trainings", "prompt_sets"]), (PAPER, "paper", [])],
)
def test_everything_that_is_not_ablated_is_as_in_the_whole_study(study_of, env, whole, own):
    ablation, study = study_of(env), study_of(whole)
    for section in set(Study.model_fields) - {"subjects", "methods", "evaluation", *own}:
        assert getattr(ablation, section) == getattr(study, section), section
    assert ablation.evaluation == study.evaluation.model_copy(update={"findings": None})
    figurine = study.subjects["figurine"]
    assert ablation.subjects["figurine"] == figurine.model_copy(update={"paper_row": None})
    without_weight = {*WORDS, "previews", "gradient_log_every"} if own else {*WORDS}
    for family, methods in (
        ("hypnos", ["hypnos"]),
        ("dreambooth", ["dreambooth_high_lr"]),
        ("base", ["base"]),
    ):
        for name in methods:
            ours, theirs = (getattr(each.methods, family)[name] for each in (ablation, study))
            assert ours.model_dump(exclude=without_weight) == theirs.model_dump(exclude=without_weight)


def test_both_studies_at_the_papers_scale_read_the_same_checkpoints(project_root):
    files = [project_root / f"conf/{env}/parameters_checkpoints.yml" for env in ("paper", PAPER)]
    assert files[0].read_text() == files[1].read_text()
