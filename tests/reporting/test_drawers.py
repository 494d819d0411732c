"""What a click on a value opens: the best and the worst images, and the command that traces it."""

from __future__ import annotations

import base64
import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.metrics.foreground import CutOuts
from hypnos_pipeline.reporting.cells import CellKey
from hypnos_pipeline.reporting.drawers import EXTREMES, extremes, trace_command, worst_and_best

NAMES = [f"varying/{number:03d}" for number in range(5)]


def values(metric: str, numbers: list[float], photo: str = "00", colour: str = "") -> pd.DataFrame:
    frame = pd.DataFrame({"image": NAMES[: len(numbers)], "value": numbers})
    return frame.assign(prompt_set="varying", metric=metric, photo=photo, colour=colour)


def images(entries: list[dict]) -> list[str]:
    return [entry["image"][-1] for entry in entries]


def samples() -> ImageSet:
    rows = [{"name": name, "prompt": f"a <photo> on {name}"} for name in NAMES]
    return ImageSet({name: np.full((8, 8, 3), 40 * n, np.uint8) for n, name in enumerate(NAMES)}, rows)


PHOTOS = ImageSet({"00": np.zeros((8, 8, 3), np.uint8)})
CUT_OUTS = CutOuts.of(
    ImageSet({"00": np.eye(8, dtype=np.uint8) * 255}),
    ImageSet({"00": np.full((8, 8, 3), 20, np.uint8)}),
)


@pytest.mark.parametrize(("metric", "best", "worst"), [("dino", "312", "021"), ("lpips", "021", "312")])
def test_best_is_highest_or_lowest_as_the_metric_says(metric, best, worst):
    (entry,) = extremes(values(metric, [0.1, 0.5, 0.3, 0.9]))
    assert images(entry["best"]) == list(best)
    assert images(entry["worst"]) == list(worst)


def test_an_image_counts_once_at_its_most_extreme_photo():
    pairs = pd.concat([values("dino", [0.1, 0.5], "00"), values("dino", [0.9, 0.6], "01")])
    (entry,) = extremes(pairs)
    assert [(pair["image"][-1], pair["photo"]) for pair in entry["best"]] == [("0", "01"), ("1", "01")]
    assert [(pair["image"][-1], pair["photo"]) for pair in entry["worst"]] == [("0", "00"), ("1", "00")]


def test_undefined_values_are_no_extremes_and_ties_go_by_name():
    (entry,) = extremes(values("ssim", [float("nan"), 0.5, 0.5, 0.5, 0.5]).iloc[::-1])
    assert images(entry["best"]) == images(entry["worst"]) == list("123")
    assert len(entry["best"]) == EXTREMES


def test_an_image_that_is_not_there_is_refused():
    pairs = values("clip_t", [0.5], "").assign(image="varying/404")
    with pytest.raises(KeyError, match="varying/404"):
        worst_and_best(PHOTOS, CUT_OUTS, {"hypnos": samples()}, {"hypnos": pairs})


def test_foreground_metrics_show_the_cut_out_on_its_colour():
    pairs = pd.concat([values("dino", [0.5]), values("foreground_dino", [0.5], colour="red")])
    drawn = worst_and_best(PHOTOS, CUT_OUTS, {"hypnos": samples()}, {"hypnos": pairs})
    against = {entry["metric"]: entry["best"][0]["against"] for entry in drawn["extremes"]}
    assert against == {"dino": "photo/00", "foreground_dino": "cut-out/00/red"}
    _, _, content = drawn["pictures"]["cut-out/00/red"].partition("base64,")
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))
    expected = CUT_OUTS.on("red")[0]
    assert np.abs(shown.astype(int).mean(axis=(0, 1)) - expected.mean(axis=(0, 1))).max() < 8  # JPEG


def test_commands_name_a_table_or_a_prompt_set():
    assert trace_command(CellKey("invariant", "chair", "base", "fid"), "mini") == (
        "kedro cell trace --table 1 --subject chair --method base --metric fid"
    )
    elsewhere = trace_command(CellKey("disentangle", "chair", "base", "fid"), "paper")
    assert "--prompt-set disentangle " in elsewhere
    assert elsewhere.endswith(" --env paper")
