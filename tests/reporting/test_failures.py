"""What the study's own checks flag is drawn with its reason; what they do not flag is said (Fig. 8)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.reporting import failures

PHOTOS = ImageSet({"00": np.full((16, 16, 3), 90, np.uint8)})
MATTES = ImageSet({"00": np.pad(np.full((8, 8), 255, np.uint8), 4)})
EXCLUDED = {"photo": "01", "backend": "excluded", "frame": [64, 64]}
GOOD = [{"photo": "00", "faults": []}, EXCLUDED]
BAD = [{"photo": "00", "faults": ["touches 3 borders"]}, EXCLUDED]


def samples(blank: int) -> ImageSet:
    """Four images of scenes, some with one colour all over."""
    noise = np.random.default_rng(3).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)
    noise[:blank] = 120
    rows = [{"name": f"varying/{i}", "prompt_set": "varying", "prompt": f"scene {i}"} for i in range(4)]
    rows += [{"name": f"invariant/{i}", "prompt_set": "invariant", "prompt": "plain"} for i in range(4)]
    images = {row["name"]: noise[i % 4] for i, row in enumerate(rows)}
    return ImageSet(images, rows)


def drawn(monkeypatch, report=GOOD, blank=0, warnings=()) -> dict[str, tuple[str, list[str]]]:
    """Returns each section's text and captions by its title's first word."""
    kept = {}

    def keep(title, sections):
        kept.update({s.title.split()[0]: (s.text, [caption for _, caption in s.images]) for s in sections})
        return original(title, sections)

    original = failures.captioned_sheet
    monkeypatch.setattr(failures, "captioned_sheet", keep)
    pairs = pd.DataFrame({"image": [f"invariant/{i}" for i in range(4)], "value": [0.4, 0.1, 0.7, 0.9]})
    pairs = pairs.assign(prompt_set="invariant", metric="dino", photo="00", colour="")
    checks = {"HYPNOS": {"varying": {"warnings": list(warnings), "change": 3.0}}}
    picture = failures.flagged_failures(
        "Mug", PHOTOS, MATTES, report, {"HYPNOS": samples(blank)}, checks, {"HYPNOS": pairs}
    )
    assert picture.mode == "RGB"
    return kept


def test_nothing_flagged_is_said(monkeypatch):
    found = drawn(monkeypatch)
    assert {name: text for name, (text, _) in found.items() if name != "Least"} == {
        name: "None flagged." for name in ("Mattes", "Blank", "Sets")
    }


def test_each_flag_is_drawn_with_its_reason(monkeypatch):
    found = drawn(monkeypatch, BAD, 2, ["the background is the same whatever is asked for"])
    assert found["Mattes"] == ("", ["00: touches 3 borders"])
    assert found["Blank"] == ("", ["HYPNOS: ΔE 0.0; scene 0", "HYPNOS: ΔE 0.0; scene 1"])
    assert found["Sets"] == ("", ["HYPNOS, varying: ΔE 3.0"])


def test_the_least_like_image_is_the_one_with_the_lowest_similarity(monkeypatch):
    assert drawn(monkeypatch)["Least"] == ("", ["HYPNOS: DINO 0.1000, invariant/1"])
