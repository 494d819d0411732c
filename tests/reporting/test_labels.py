"""Printed names."""

import pytest

from hypnos_pipeline.reporting.labels import listed, method_labels, rate_text, subject_label
from hypnos_pipeline.training.settings import (
    BaseSettings,
    DreamBoothSettings,
    HypnosSettings,
    TextualInversionSettings,
)


@pytest.mark.parametrize(
    ("rate", "text"),
    [(1e-4, "1e-4"), (2e-6, "2e-6"), (2.5e-5, "2.5e-5"), (0.01, "1e-2"), (1.5e-10, "1.5e-10")],
)
def test_rates(rate: float, text: str) -> None:
    assert rate_text(rate) == text


def test_labels_carry_the_rate_and_differ() -> None:
    methods = {
        "base": {"base": BaseSettings()},
        "hypnos": {
            "hypnos": HypnosSettings(learning_rate=1e-4, steps=8),
            "hypnos_no_perceptual": HypnosSettings(learning_rate=1e-4, steps=8),
        },
        "dreambooth": {"dreambooth_high_lr": DreamBoothSettings(learning_rate=1e-4, steps=8)},
        "textual_inversion": {"textual_inversion": TextualInversionSettings(steps=8)},
    }
    assert [(label.name, label.label, label.reference) for label in method_labels(methods)] == [
        ("hypnos", "HYPNOS (LR=1e-4), hypnos", False),
        ("hypnos_no_perceptual", "HYPNOS (LR=1e-4), hypnos_no_perceptual", False),
        ("dreambooth_high_lr", "DreamBooth (LR=1e-4)", False),
        ("textual_inversion", "Textual Inversion (LR=2e-3)", False),
        ("base", "Base model", True),
    ]


def test_words() -> None:
    assert subject_label("lego_robot") == "Lego robot"
    assert [listed([]), listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
