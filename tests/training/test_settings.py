"""DreamBooth in the general form."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from hypnos_pipeline.training.settings import DreamBoothSettings
from tests.training.tiny_study import hypnos


def test_dreambooth_in_the_general_form():
    settings = DreamBoothSettings(learning_rate=1e-6, steps=800, prior_weight=0.7)
    general = settings.general_form()
    assert general.reconstruction.kind == "mse"
    assert general.weights.model_dump() == {
        "reconstruction": 1.0,
        "prior": 0.7,
        "perceptual": 0.0,
        "discriminator": 0.0,
    }
    assert general.augmentation.recolour_probability == 0
    assert general.augmentation.prompts == "plain"
    assert (general.steps, general.learning_rate, general.optimiser) == (800, 1e-6, settings.optimiser)


def test_perceptual_steps_must_fit():
    with pytest.raises(ValidationError, match="perceptual"):
        hypnos(steps=4, perceptual={"steps": 5})
