"""The failures that the study's own checks flag, each with its reason (Fig. 8)."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pandas as pd

from hypnos_pipeline.errors import Problem
from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.reporting.captioned import captioned_sheet
from hypnos_pipeline.reporting.failures import flagged_failures

PHOTOS = ImageSet({"00": np.full((16, 16, 3), 90, np.uint8)})
MATTES = ImageSet({"00": np.pad(np.full((8, 8), 255, np.uint8), 4)})


def samples(blank: int) -> ImageSet:
    """Four images of scenes, some with one colour all over."""
    noise = np.random.default_rng(3).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)
    noise[:blank] = 120
    rows = [{"name": f"varying/{i}", "prompt_set": "varying", "prompt": f"scene {i}"} for i in range(4)]
    rows += [{"name": f"invariant/{i}", "prompt_set": "invariant", "prompt": "plain"} for i in range(4)]
    images = {row["name"]: noise[i % 4] for i, row in enumerate(rows)}
    return ImageSet(images, rows)


def flagged(*problems: Problem, blank: int = 0, change: float = 30.0) -> list[tuple[str, list[str]]]:
    """Returns each section's text and captions; the second photo is excluded and has no matte."""
    report = [{"photo": "00", "problems": [asdict(problem) for problem in problems]}]
    report.append({"photo": "01", "problems": []})
    pairs = pd.DataFrame({"image": [f"invariant/{i}" for i in range(4)], "value": [0.4, 0.1, 0.7, 0.9]})
    pairs = pairs.assign(prompt_set="invariant", metric="dino", photo="00", colour="")
    checks = {"HYPNOS": {"varying": {"images": 4, "spread": 9.0, "blank": blank, "change": change}}}
    found = flagged_failures(PHOTOS, MATTES, report, {"HYPNOS": samples(blank)}, checks, {"HYPNOS": pairs})
    assert captioned_sheet("Mug", found).mode == "RGB"
    return [(section.text, [caption for _, caption in section.images]) for section in found]


def test_a_check_that_flags_nothing_has_a_notice_and_the_least_like_image_is_shown():
    least = ("", ["HYPNOS: DINO 0.1000, invariant/1"])
    assert flagged() == [("None flagged.", [])] * 3 + [least]


def test_each_flag_has_its_reason():
    problem = Problem("00", "touches 3 borders", "exclude the photo", "warning")
    mattes, blank, constant, _ = flagged(problem, blank=2, change=3.0)
    assert mattes == ("", ["00: touches 3 borders"])
    assert blank == ("", ["HYPNOS: ΔE 0.0; scene 0", "HYPNOS: ΔE 0.0; scene 1"])
    assert constant == ("", ["HYPNOS, varying: ΔE 3.0"])
