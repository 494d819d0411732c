"""Class prior and sampling: rows, pairing, determinism, and the shape of their pipelines."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydantic import TypeAdapter

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.models.finetuned import FullFinetune, LearnedToken, save_finetuned
from hypnos_pipeline.models.reference import describe
from hypnos_pipeline.models.settings import (
    ClassPriorSettings,
    ModelReference,
    RuntimeSettings,
    SamplerSettings,
)
from hypnos_pipeline.pipelines.class_prior import nodes
from hypnos_pipeline.pipelines.class_prior.nodes import generate_class_prior
from hypnos_pipeline.pipelines.sampling.nodes import (
    check_scenes,
    plan_samples,
    sample_base,
    sample_finetuned,
    sample_learned_token,
)
from hypnos_pipeline.prompting.settings import PromptSetSettings, SubjectSettings
from hypnos_pipeline.storage.settings import CheckpointSettings
from hypnos_pipeline.training.settings import TextualInversionSettings
from tests.tiny_models import save_tiny_text_to_image, tiny_text_to_image

SUBJECT = SubjectSettings(noun="robot")
COMMON = {
    "sampling": SamplerSettings(steps=3, guidance=5.0, batch=4),
    "runtime": RuntimeSettings(device="cpu", threads=1),
    "seed": 42,
    "image_size": 16,
}
PROMPT_SETS = {
    "invariant": {"kind": "fixed", "prompts": ["a photo of {subject}"], "images": 3},
    "backgrounds": {
        "kind": "fixed",
        "prompts": ["a photo of {subject}, red background", "a photo of {subject}, green background"],
        "images": 4,
    },
}


@pytest.fixture(scope="module")
def base_model(tmp_path_factory: pytest.TempPathFactory) -> ModelReference:
    folder = save_tiny_text_to_image(tmp_path_factory.mktemp("base") / "model")
    return ModelReference(folder=str(folder))


def test_class_prior_rows_and_determinism(base_model: ModelReference) -> None:
    settings = ClassPriorSettings(count=5, prompts=["a photo of {noun}", "a photo of {noun} on the beach"])
    prior, sheet, report = generate_class_prior(SUBJECT, settings, base_model, **COMMON)
    again, _, _ = generate_class_prior(SUBJECT, settings, base_model, **COMMON)
    assert [row["name"] for row in prior.manifest] == list(prior.images)
    assert [row["prompt"] for row in prior.manifest[:3]] == [
        "a photo of robot",
        "a photo of robot on the beach",
        "a photo of robot",
    ]
    assert len({row["seed"] for row in prior.manifest}) == 5
    assert prior.manifest == again.manifest
    assert prior.stack().shape == (5, 16, 16, 3)
    assert prior.stack().dtype == np.uint8
    assert isinstance(sheet, Image.Image)
    assert report["networks"] == {"text_to_image": describe(base_model)}
    assert json.loads(json.dumps(report)) == report


def test_subjects_of_one_noun_share_images_that_are_sampled_once(
    base_model: ModelReference, tmp_path: Path, monkeypatch
) -> None:
    sampled, keep = [], CheckpointSettings(every_seconds=None)
    monkeypatch.chdir(tmp_path)
    sample = nodes._sample_base
    monkeypatch.setattr(nodes, "_sample_base", lambda *given: sampled.append(given) or sample(*given))

    def prior(subject: SubjectSettings = SUBJECT, count: int = 2, **changes):
        settings = ClassPriorSettings(count=count, prompts=["a photo of {noun}"])
        given = {**COMMON, "checkpoints": keep, **changes}
        return generate_class_prior(subject, settings, base_model, **given)

    (first, _, first_report), (other, _, other_report) = prior(), prior(SubjectSettings(noun="robot"))
    assert len(sampled) == 1
    assert first.manifest == other.manifest
    assert np.array_equal(first.stack(), other.stack())
    assert first_report == other_report
    different = (
        {"subject": SubjectSettings(noun="chair")},
        {"count": 3},
        {"seed": 43},
        {"sampling": COMMON["sampling"].model_copy(update={"steps": 2})},
    )
    for number, change in enumerate(different, start=2):
        prior(**change)
        assert len(sampled) == number


@pytest.mark.parametrize(
    ("own", "prompts"),
    [
        (None, ["a photo of robot", "a robot", "a photo of robot"]),
        (("a robot on a beach, {noun}",), ["a robot on a beach, robot"] * 3),
    ],
)
def test_class_prior_of_the_users_own_images_and_prompts(tmp_path: Path, own, prompts) -> None:
    rng = np.random.default_rng(0)
    for index in range(4):
        Image.fromarray(rng.integers(0, 256, (60, 80, 3), np.uint8)).save(tmp_path / f"{index}.png")
    subject = SubjectSettings(noun="robot", class_prior_prompts=own)
    settings = ClassPriorSettings(
        source="folder", folder=str(tmp_path), count=3, prompts=("a photo of {noun}", "a {noun}")
    )
    prior, _, report = generate_class_prior(subject, settings, None, **COMMON)
    assert prior.stack().shape == (3, 16, 16, 3)
    assert [(row["prompt"], row["seed"]) for row in prior.manifest] == [(prompt, None) for prompt in prompts]
    assert (report["source"], report["networks"]) == ("folder", {})
    for change, message in (
        ({"count": 9}, r"4 images in .*, expected at least class_prior\.count = 9"),
        ({"folder": None}, r"class_prior\.folder: null"),
    ):
        with pytest.raises(ValueError, match=message):
            generate_class_prior(subject, settings.model_copy(update=change), None, **COMMON)


def test_methods_are_paired_and_speak_their_phrase(base_model: ModelReference, tmp_path: Path) -> None:
    import torch

    # The same weights under another phrase: only the words may make a difference.
    save_finetuned(FullFinetune(tiny_text_to_image()), tmp_path / "full")
    save_finetuned(LearnedToken("<sks>", torch.linspace(-1, 1, 32), "robot"), tmp_path / "token")
    full, sheet, _ = sample_finetuned(tmp_path / "full", SUBJECT, PROMPT_SETS, **COMMON)
    base, _, _ = sample_base(SUBJECT, base_model, PROMPT_SETS, **COMMON)
    phrases = {}
    for phrase in ("token", "token_noun"):
        method = TextualInversionSettings(steps=1, phrase=phrase)
        phrases[phrase], _, _ = sample_learned_token(
            tmp_path / "token", SUBJECT, method, base_model, PROMPT_SETS, **COMMON
        )
    named = {
        "sks robot": full,
        "robot": base,
        "<sks>": phrases["token"],
        "<sks> robot": phrases["token_noun"],
    }
    for phrase, samples in named.items():
        assert samples.manifest[0]["prompt"] == f"a photo of {phrase}"
        assert samples.manifest[3]["prompt"] == f"a photo of {phrase}, red background"
        assert list(samples.images) == [row["name"] for row in samples.manifest]
        for key in ("name", "prompt_set", "index", "seed", "noun_prompt"):
            assert [row[key] for row in samples.manifest] == [row[key] for row in full.manifest]
    assert [row["noun_prompt"] for row in full.manifest] == [row["prompt"] for row in base.manifest]
    assert list(full.images)[2:4] == ["invariant/002", "backgrounds/000"]
    assert not np.array_equal(full.stack(), base.stack())
    assert isinstance(sheet, Image.Image)


def test_noise_differs_between_images_and_prompt_sets() -> None:
    rows = plan_samples(PROMPT_SETS, "sks robot", "robot", seed=42)
    assert len({row["seed"] for row in rows}) == len(rows) == 7
    other = plan_samples(PROMPT_SETS, "sks robot", "robot", seed=43)
    assert not {row["seed"] for row in rows} & {row["seed"] for row in other}


def test_another_training_has_other_noise_and_the_same_prompts() -> None:
    first, same, second = (
        plan_samples(PROMPT_SETS, "sks robot", "robot", 42, **training)
        for training in ({}, {"training": 1}, {"training": 2})
    )
    assert first == same
    assert not {row["seed"] for row in first} & {row["seed"] for row in second}
    assert [row | {"seed": 0} for row in first] == [row | {"seed": 0} for row in second]


def test_rows_carry_the_requested_colour_and_a_new_prompt_set_leaves_the_others_as_they_were() -> None:
    walls = "a photo of {subject} in a {colour} walled room"
    colours = {"kind": "colours", "colours": ["red", "blue", "white"], "images": 5, "wall_template": walls}
    ours, base = (
        plan_samples(
            {"invariant": PROMPT_SETS["invariant"], "backgrounds": colours}, phrase, "robot", seed=42
        )
        for phrase in ("sks robot", "robot")
    )
    requested = [row for row in ours if row["prompt_set"] == "backgrounds"]
    assert [row.get("colour") for row in requested] == ["red", "blue", "white", None, None]
    assert [row.get("scene_colour") for row in requested] == [None, None, None, "red", "blue"]
    assert [row["prompt"] for row in requested[2:4]] == [
        "a photo of sks robot, white background", "a photo of sks robot in a red walled room",
    ]  # fmt: skip
    assert [row | {"prompt": ""} for row in ours] == [row | {"prompt": ""} for row in base]
    alone = plan_samples({"invariant": PROMPT_SETS["invariant"]}, "sks robot", "robot", seed=42)
    assert ours[:3] == alone
    assert not any("colour" in row for row in alone)


def flat_samples(colours: list[tuple[int, int, int]]) -> ImageSet:
    rows = [
        {"name": f"{name}/{index:03d}", "prompt_set": name, "prompt": f"a photo in {name}"}
        for name in ("scenes", "plain")
        for index in range(len(colours))
    ]
    images = [np.full((16, 16, 3), colour, np.uint8) for colour in colours] * 2
    return ImageSet({row["name"]: image for row, image in zip(rows, images, strict=True)}, rows)


def test_only_scenes_are_checked_for_blank_backgrounds(caplog: pytest.LogCaptureFixture) -> None:
    grammar = {"kind": "grammar", "image_types": {"photo": ["dim"]}, "backgrounds": ["at night"], "images": 4}
    prompt_sets = {"scenes": grammar, "plain": {"kind": "fixed", "prompts": ["{subject}"], "images": 4}}
    samples = flat_samples([(255, 0, 0), (0, 200, 0), (0, 0, 255), (255, 255, 255)])
    with caplog.at_level(logging.WARNING):
        reports = check_scenes(samples, prompt_sets)
    assert list(reports) == ["scenes"]
    assert reports["scenes"]["warnings"] == ["4 of 4 images have a blank background"]
    (record,) = caplog.records
    assert "prompt set 'scenes', e.g. 'a photo in scenes': 4 of 4" in record.getMessage()
    validated = TypeAdapter(dict[str, PromptSetSettings]).validate_python(prompt_sets)
    assert check_scenes(samples, validated) == reports
    assert check_scenes(samples, {"plain": prompt_sets["plain"]}) == {}


def test_sampling_twice_gives_the_same_bits(base_model: ModelReference) -> None:
    first, _, _ = sample_base(SUBJECT, base_model, PROMPT_SETS, **COMMON)
    again, _, _ = sample_base(SUBJECT, base_model, PROMPT_SETS, **COMMON)
    assert first.manifest == again.manifest
    assert np.array_equal(first.stack(), again.stack())


def test_nodes_import_no_torch() -> None:
    code = (
        "import sys; import hypnos_pipeline.pipelines.class_prior, hypnos_pipeline.pipelines.sampling; "
        "print(sorted({'torch', 'diffusers', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_replicates_are_the_same_prompts_on_other_noise() -> None:
    """The first is the very plan of a study without replicates, so a cell does not depend on their number."""
    thrice = {name: {**settings, "replicates": 3} for name, settings in PROMPT_SETS.items()}
    thrice["backgrounds"]["replicates"] = 1
    once = plan_samples(PROMPT_SETS, "sks robot", "robot", seed=42)
    rows = plan_samples(thrice, "sks robot", "robot", seed=42)
    first = [row for row in rows if row.get("replicate", 0) == 0]
    assert [{k: v for k, v in row.items() if k != "replicate"} for row in first] == once
    repeated = [row for row in rows if row["prompt_set"] == "invariant"]
    assert [row["replicate"] for row in repeated] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert [row["prompt"] for row in repeated[3:6]] == [row["prompt"] for row in repeated[:3]]
    assert len({row["seed"] for row in rows}) == len({row["name"] for row in rows}) == len(rows) == 9 + 4
    assert not any("replicate" in row for row in rows if row["prompt_set"] == "backgrounds")
