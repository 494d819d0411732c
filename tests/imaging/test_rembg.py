"""The rembg backend, through rembg's own sessions, on tiny ONNX files."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pooch
import pytest

from hypnos_pipeline.errors import UnusableNetwork
from hypnos_pipeline.imaging.mattes import rembg
from hypnos_pipeline.imaging.mattes.estimate import estimate_mattes
from hypnos_pipeline.imaging.mattes.registry import BoundBackend, find_backend
from hypnos_pipeline.imaging.photos import RawPhotos
from hypnos_pipeline.imaging.settings import BackgroundRemovalSettings
from hypnos_pipeline.storage.hashing import file_sha256

from .networks import bright_disc, save_onnx

ONE_PER_FAMILY = (
    "u2netp", "silueta", "isnet-general-use", "birefnet-general", "bria-rmbg", "u2net_custom", "dis_custom",
    "ben_custom",
)  # fmt: skip


@pytest.fixture(autouse=True)
def no_network(monkeypatch, tmp_path):
    """Whatever would download fails, and rembg's own folder is empty."""

    def download(*args, **kwargs):
        raise AssertionError("a download was begun")

    monkeypatch.setattr(pooch, "retrieve", download)
    monkeypatch.setenv("REMBG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("U2NET_HOME", str(tmp_path / "home"))


def options(model: str, **others) -> dict:
    return {"model": model, "threads": 1, **others}


def bound(folder: Path, model: str = "u2net", **others) -> BoundBackend:
    return find_backend("rembg", options(model, **others), folder)


def test_every_network_of_rembg_that_works_alone_and_here_has_its_name():
    from rembg.sessions import sessions

    assert set(get_args(rembg.Model)) == set(sessions) - {"sam", "withoutbg", "atlascloud"}


@pytest.mark.parametrize("model", ONE_PER_FAMILY)
def test_a_network_runs_from_its_file_without_download(tmp_path, model):
    save_onnx(tmp_path / f"{model}.onnx")
    photo, inside = bright_disc()
    backend = bound(tmp_path, model)
    assert backend.problems() == []
    matte = backend.remove(photo)
    assert matte.shape == (64, 96)
    assert matte.dtype == np.float32
    assert ((matte > 0.5) == inside).mean() > 0.98
    assert 0 <= matte.min() <= matte.max() <= 1


def test_a_file_of_another_name_is_named_in_the_options(tmp_path):
    save_onnx(tmp_path / "epoch_244.onnx")
    backend = bound(tmp_path, "u2net_custom", file="epoch_244.onnx")
    assert backend.network == tmp_path / "epoch_244.onnx"
    assert backend.problems() == []
    (problem,) = bound(tmp_path).problems()
    assert problem.what == f"{tmp_path}/u2net.onnx is missing (there: epoch_244.onnx)"
    assert problem.fix.startswith("put it there; options.file names another file")


def test_post_processing_and_alpha_matting_are_rembg_s(tmp_path):
    save_onnx(tmp_path / "u2net.onnx")
    photo, inside = bright_disc()
    plain = bound(tmp_path).remove(photo)
    hard = bound(tmp_path, post_process=True).remove(photo)
    refined = {"erode_size": 3, "background_threshold": 60, "foreground_threshold": 190}
    soft = bound(tmp_path, alpha_matting=True, **refined).remove(photo)
    assert set(np.unique(hard)) == {0, 1}
    for matte in (plain, hard, soft):
        assert ((matte > 0.5) == inside).mean() > 0.97
    assert soft[0, 0] == 0 < plain[0, 0]


def test_alpha_matting_that_finds_no_ground_leaves_the_matte_and_warns(tmp_path, caplog):
    save_onnx(tmp_path / "u2net.onnx", "flat")
    photo, _ = bright_disc()
    matte = bound(tmp_path, alpha_matting=True).remove(photo)
    assert matte.max() == 0
    assert "alpha_matting left a matte as it was" in caplog.text


def test_a_flat_prediction_is_an_empty_matte_that_the_guards_report(tmp_path, recwarn):
    save_onnx(tmp_path / "u2net.onnx", "flat")
    raw = RawPhotos({str(index): bright_disc(index=index)[0] for index in range(3)})
    settings = BackgroundRemovalSettings(backend="rembg", options=options("u2net"))
    mattes, rows = estimate_mattes(raw, settings, networks=tmp_path)
    assert all(matte.max() == 0 for matte in mattes.values())
    for row in rows:
        found = [problem["what"] for problem in row["problems"]]
        assert found == ["covers 0.0% of the photo, less than 2%", "flat: all values within 0.00 to 0.00"]
        assert row["network"] == f"u2net.onnx sha256 {file_sha256(tmp_path / 'u2net.onnx')}"
    assert [each for each in recwarn if issubclass(each.category, RuntimeWarning)] == []


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda file: file.write_bytes(b"<html>404</html>"), "is no ONNX file that can be run"),
        (lambda file: file.write_bytes(file.read_bytes()[:40]), "is no ONNX file that can be run"),
        (lambda file: save_onnx(file, "vector"), "is of another network than options.model names"),
        (Path.unlink, "is missing"),
    ],
)
def test_a_file_that_is_no_such_network_is_refused_before_any_photo(tmp_path, spoil, message):
    file = save_onnx(tmp_path / "u2net.onnx")
    spoil(file)
    (problem,) = bound(tmp_path).problems()
    assert problem.what.startswith(f"{file} {message}")
    assert problem.fix


def test_a_network_of_another_input_size_is_named_at_the_first_photo(tmp_path):
    file = save_onnx(tmp_path / "isnet-general-use.onnx", side=320)
    with pytest.raises(UnusableNetwork) as refused:
        bound(tmp_path, "isnet-general-use").remove(bright_disc()[0])
    assert str(refused.value).startswith(f"{file} is of another network than options.model names (")
    assert "expected the file of 'isnet-general-use'" in str(refused.value)


def test_cuda_is_refused_where_onnxruntime_has_none(tmp_path):
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime has CUDA")
    save_onnx(tmp_path / "u2net.onnx")
    (problem,) = bound(tmp_path, device="cuda").problems()
    assert problem.fix == "install onnxruntime-gpu, or choose 'cpu'"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "background_removal.options: the key model is missing"),
        ({"model": "sam"}, "background_removal.options: model: 'sam'; expected one of u2net, u2netp, "),
        ({"model": "u2net", "threads": 0}, "background_removal.options: threads: 0; expected at least 1"),
        ({"model": "u2net", "device": "gpu"}, "device: 'gpu'; expected cpu, or another one of cpu, cuda"),
        ({"model": "u2net", "file": "../u2net.onnx"}, "file: '../u2net.onnx'; expected text that matches"),
        (
            {"model": "u2net", "size": 3},
            "background_removal.options: size: unknown key; expected one of model, file, ",
        ),
    ],
)
def test_invalid_options_are_refused_by_name(given, message):
    with pytest.raises(ValueError, match="background_removal") as refused:
        find_backend("rembg", given)
    assert message in str(refused.value)
