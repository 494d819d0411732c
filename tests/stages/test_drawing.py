"""The picture of the stages: one box a stage, arrows from what is written to what reads it."""

from __future__ import annotations

import pytest

from hypnos_pipeline.stages import FrameError
from hypnos_pipeline.stages.drawing import _readers, _shortest, stages_svg


def test_the_picture_in_the_docs_is_the_one_of_dvc_yaml(project_root) -> None:
    drawn = stages_svg((project_root / "dvc.yaml").read_text(), "_further")
    assert (project_root / "docs/pictures/stages.svg").read_text() == drawn, "run `kedro dvc draw` on it"


def test_arrows_are_what_stages_read_of_each_other(project_root) -> None:
    reads = _readers((project_root / "dvc.yaml").read_text())
    assert set(reads["discriminator"]) == {"background_removal", "augmentation", "class_prior"}
    assert set(reads["sampling_hypnos"]) == {"finetune_hypnos"}
    assert "sampling_dreambooth" not in reads["evaluation_hypnos"]
    assert {"evaluation_base", "evaluation_hypnos"} <= set(reads["reporting"])  # by the folder above them
    assert set(_shortest(reads)["discriminator"]) == {"augmentation", "class_prior"}


def test_what_is_no_dvc_yaml_is_refused() -> None:
    with pytest.raises(FrameError, match="not YAML"):
        stages_svg("stages: [")
