"""The class prior's prompts: the study's, or a subject's own."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from hypnos_pipeline.models.settings import ClassPriorSettings, RuntimeSettings, SamplerSettings
from hypnos_pipeline.pipelines.class_prior.nodes import generate_class_prior
from hypnos_pipeline.prompting.settings import SubjectSettings


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (None, ["a photo of mug", "a mug", "a photo of mug", "a mug"]),
        (("a mug on a beach, {noun}",), ["a mug on a beach, mug"] * 4),
    ],
)
def test_a_subject_s_own_prompts_take_the_place_of_the_study_s(tmp_path, own, expected):
    """With images of the user's own, so that no network is needed."""
    for number in range(4):
        pixels = np.full((80, 64, 3), 40 * number, np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    prior = ClassPriorSettings(
        source="folder", folder=str(tmp_path), count=4, prompts=("a photo of {noun}", "a {noun}")
    )
    subject = SubjectSettings(noun="mug", class_prior_prompts=own)
    runtime, sampler = RuntimeSettings(device="cpu"), SamplerSettings()
    images, _, report = generate_class_prior(subject, prior, None, sampler, runtime, seed=1, image_size=64)
    assert [row["prompt"] for row in images.manifest] == expected
    assert images.stack().shape == (4, 64, 64, 3)
    assert (report["source"], report["networks"]) == ("folder", {})
