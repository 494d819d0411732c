"""The default backend on the tracked photos in one place, whose true mattes are known."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.mattes import WRONG, iou
from PIL import Image

from hypnos_pipeline.imaging.mattes.estimate import estimate_mattes
from hypnos_pipeline.imaging.photos import read_photos
from hypnos_pipeline.imaging.settings import BackgroundRemovalSettings
from hypnos_pipeline.miniworld.render.subjects import SUBJECTS


@pytest.mark.long
@pytest.mark.parametrize("name", SUBJECTS)
def test_a_place_full_of_things_leaves_most_mattes_right(name, project_root) -> None:
    raw, truth = project_root / "data/01_raw/subjects" / name, project_root / "data/01_raw/truth" / name
    mattes, _ = estimate_mattes(read_photos(raw), BackgroundRemovalSettings())
    found = sorted(
        iou(matte, np.asarray(Image.open(truth / "masks" / f"{photo}.png"), np.float32) / 255)
        for photo, matte in mattes.items()
    )
    assert found[1] >= WRONG
    assert np.mean(found) >= 0.87
