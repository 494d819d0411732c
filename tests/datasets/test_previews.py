"""Previews in kedro-viz: of which kind, how large, and that they are JSON."""

from __future__ import annotations

import base64
import inspect
import io
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hypnos_pipeline.datasets import (
    AtomicDataset,
    CurveDataset,
    ImageFolderDataset,
    PictureDataset,
    RawPhotosDataset,
)
from hypnos_pipeline.datasets.previews import ACROSS, TILE, TILES, WIDEST
from hypnos_pipeline.imaging.image_set import ImageSet


def kind(dataset) -> str:
    """The kind as kedro-viz finds it."""
    annotation = inspect.signature(dataset.preview).return_annotation
    return getattr(annotation, "__name__", str(annotation))


def picture(preview: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(preview)))


def test_a_wide_picture_is_made_smaller_and_a_small_one_is_left_as_it_is(tmp_path):
    dataset = PictureDataset(filepath=str(tmp_path / "sheet.png"))
    dataset.save(Image.new("RGB", (2 * WIDEST, 400), "teal"))
    assert kind(dataset) == "ImagePreview"
    assert picture(dataset.preview()).size == (WIDEST, 200)
    dataset.save(Image.new("RGB", (40, 30), "teal"))
    assert base64.b64decode(dataset.preview()) == (tmp_path / "sheet.png").read_bytes()


def test_a_folder_shows_its_first_images_small(tmp_path):
    dataset = ImageFolderDataset(filepath=str(tmp_path / "samples"))
    image = np.full((2 * TILE, 2 * TILE, 3), 9, np.uint8)
    dataset.save(ImageSet({f"set/{number:02d}": image for number in range(TILES + 5)}))
    assert kind(dataset) == "ImagePreview"
    assert picture(dataset.preview()).size == (ACROSS * TILE, TILES // ACROSS * TILE)


def test_photos_are_shown_upright_and_without_their_masks(tmp_path):
    (tmp_path / "masks").mkdir()
    (tmp_path / "source.txt").write_text("a note")
    photo = Image.new("RGB", (100, 50), "teal")
    exif = photo.getexif()
    exif[0x0112] = 6  # lies on its side
    photo.save(tmp_path / "00.JPG", exif=exif)
    Image.new("L", (100, 50), 255).save(tmp_path / "masks/00.png")
    dataset = RawPhotosDataset(filepath=str(tmp_path))
    assert kind(dataset) == "ImagePreview"
    assert picture(dataset.preview()).size == (50, 100)


def test_a_curve_is_a_chart_of_valid_json(tmp_path):
    csv = {"type": "pandas.CSVDataset", "save_args": {"index": False}}
    dataset = CurveDataset(filepath=str(tmp_path / "curve.csv"), dataset=csv)
    frame = {"step": [1, 2], "loss": [0.5, 0.25], "loss_perceptual": [np.nan, 0.1]}
    dataset.save(pd.DataFrame(frame | {"learning_rate": [1e-4, 1e-4]}))
    assert kind(dataset) == "PlotlyPreview"
    assert kind(AtomicDataset(filepath=str(tmp_path / "curve.csv"), dataset=csv)) == "TablePreview"
    chart = json.loads(json.dumps(dataset.preview(), allow_nan=False))
    lines = {line["name"]: line for line in chart["data"]}
    assert list(lines) == ["loss", "loss_perceptual", "learning_rate"]
    assert lines["loss"]["x"] == [1, 2]
    assert lines["loss_perceptual"]["y"] == [None, 0.1]
    assert lines["loss"]["visible"] is True
    assert lines["learning_rate"]["visible"] == "legendonly"


@pytest.mark.parametrize(
    ("name", "text", "expected_kind", "shown"),
    [
        ("table.md", "| a | b |\n| - | - |\n| 1 | **2** |\n", "HTMLPreview", "<td><strong>2</strong></td>"),
        ("page.html", "<h1>Lego robot</h1>\n", "HTMLPreview", "<h1>Lego robot</h1>"),
        (
            "bare.html",
            "<style>a\n</style><h1>x</h1><script>\n// b\n</script><dialog>c</dialog><p>y</p>",
            "HTMLPreview",
            "<h1>x</h1><p>y</p>",
        ),
        (
            "names.md",
            "lego_robot, textual_inversion\n",
            "HTMLPreview",
            "lego_\u2028robot, textual_\u2028inversion",
        ),
        ("table.tex", "\\begin{tabular}{l}\n", "TextPreview", "\\begin{tabular}{l}"),
    ],
)
def test_texts_are_shown_by_their_suffix(tmp_path, name, text, expected_kind, shown):
    dataset = AtomicDataset(filepath=str(tmp_path / name), dataset="text.TextDataset")
    dataset.save(text)
    assert kind(dataset) == expected_kind
    assert shown in dataset.preview()
    if expected_kind == "HTMLPreview":  # where kedro-viz makes a break of every line's end
        assert "\n" not in dataset.preview()


def test_a_text_of_no_known_suffix_has_no_preview(tmp_path):
    assert not hasattr(AtomicDataset(filepath=str(tmp_path / "a.txt"), dataset="text.TextDataset"), "preview")
