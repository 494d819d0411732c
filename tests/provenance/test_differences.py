"""By how much two artefacts differ, format by format."""

from __future__ import annotations

import json

import numpy
import pytest
from PIL import Image

from hypnos_pipeline.provenance.differences import describe_difference


@pytest.fixture
def both(tmp_path):
    """Two folders, the record's and the reproduction's."""
    for name in ("recorded", "reproduced"):
        (tmp_path / name).mkdir()
    return tmp_path / "recorded", tmp_path / "reproduced"


def describe(both, name):
    return describe_difference(both[0] / name, both[1] / name)


def save_image(path, change=0, size=4):
    pixels = numpy.full((size, size, 3), 100, dtype=numpy.uint8)
    pixels[0, 0, 0] += change
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(pixels).save(path)


def test_images_differ_by_their_largest_pixel_difference(both):
    save_image(both[0] / "a.png", change=50)
    save_image(both[1] / "a.png", change=33)
    assert describe(both, "a.png") == "pixels by up to 17 of 255, in 1 of 48 values"


def test_images_of_other_sizes(both):
    save_image(both[0] / "a.png")
    save_image(both[1] / "a.png", size=5)
    assert describe(both, "a.png") == "5 × 5 pixels RGB instead of 4 × 4 pixels RGB"


def test_folders_count_files_and_show_the_first_and_the_largest_difference(both):
    for folder, changes in zip(both, ((0, 0, 0), (0, 3, 9)), strict=True):
        for name, change in zip("abc", changes, strict=True):
            save_image(folder / "samples" / f"{name}.png", change)
    (both[0] / "samples" / "gone.json").write_text("{}")
    (both[1] / "samples" / "new.json").write_text("{}")
    assert describe(both, "samples") == (
        "2 of 3 files differ; the first, b.png: pixels by up to 3 of 255, in 1 of 48 values; "
        "most of 2 images, c.png: pixels by up to 9 of 255, in 1 of 48 values; "
        "1 only in the record, among them gone.json; 1 only in the reproduction, among them new.json"
    )


def test_safetensors_name_the_tensor_that_differs_most(both):
    import torch
    from safetensors.torch import save_file

    tensors = {"a": torch.zeros(3), "b": torch.zeros(2, 2, dtype=torch.bfloat16), "c": torch.ones(1)}
    save_file(tensors, both[0] / "w.safetensors")
    save_file(tensors | {"a": torch.full((3,), 0.25), "b": tensors["b"] + 0.5}, both[1] / "w.safetensors")
    assert describe(both, "w.safetensors") == "numbers by up to 0.5 (in b), in 2 of 3 tensors"
    save_file(tensors | {"c": torch.ones(2)}, both[1] / "w.safetensors")
    assert "the tensor c is torch.float32 (2,) instead of torch.float32 (1,)" in describe(
        both, "w.safetensors"
    )


def test_tables_of_numbers(both):
    for folder, value in zip(both, ("0.5", "0.75"), strict=True):
        (folder / "s.csv").write_text(f"metric,mean,std\ndino,0.1,\nclip_i,{value},\n")
    assert describe(both, "s.csv") == (
        "numbers by up to 0.25 (row 2, mean: 0.75 instead of 0.5), 1 of 6 values differ"
    )


def test_tables_that_differ_in_words_or_rows(both):
    (both[0] / "s.csv").write_text("metric,mean\ndino,0.1\n")
    (both[1] / "s.csv").write_text("metric,mean\nclip_i,0.1\n")
    assert describe(both, "s.csv") == "row 1, metric is 'clip_i' instead of 'dino'"
    (both[1] / "s.csv").write_text("metric,mean\ndino,0.1\nclip_i,0.2\n")
    assert describe(both, "s.csv") == "2 values only in the reproduction, the first: row 2, metric"


def test_json_by_its_keys(both):
    for folder, loss, word in ((both[0], 1.0, "a"), (both[1], 1.5, "b")):
        content = {"steps": [{"loss": 0.0}, {"loss": loss}], "word": word, "nan": float("nan")}
        (folder / "r.json").write_text(json.dumps(content))
    assert describe(both, "r.json") == (
        "numbers by up to 0.5 (steps.1.loss: 1.5 instead of 1.0), 2 of 4 values differ"
    )


def test_parquet(both):
    import pyarrow
    import pyarrow.parquet

    for folder, last in zip(both, (3.0, 7.0), strict=True):
        table = pyarrow.table({"image": ["a", "b"], "dino": [1.0, last]})
        pyarrow.parquet.write_table(table, folder / "pairs.parquet")
    assert describe(both, "pairs.parquet") == (
        "numbers by up to 4 (row 2, dino: 7.0 instead of 3.0), 1 of 4 values differ"
    )


def test_the_same_values_in_other_bytes_are_reported_as_such(both):
    (both[0] / "r.json").write_text('{"a": 1}')
    (both[1] / "r.json").write_text('{"a":1}')
    assert describe(both, "r.json") == "the same values in other bytes"


def test_unknown_and_broken_formats_show_their_sizes(both):
    for name in ("x.bin", "x.png"):
        (both[0] / name).write_bytes(b"abc")
        (both[1] / name).write_bytes(b"abcdef")
    assert describe(both, "x.bin") == "6 bytes instead of 3"
    assert describe(both, "x.png") == "one of them cannot be read; 6 bytes instead of 3"


def test_a_missing_artefact(both):
    (both[0] / "x.bin").write_bytes(b"abc")
    assert describe(both, "x.bin") == "it is missing in the reproduction"
