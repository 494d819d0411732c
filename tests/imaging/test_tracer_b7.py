"""The paper's remover: its network gives what carvekit's gives, from a file in the published form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from hypnos_pipeline.imaging.mattes.registry import BoundBackend, find_backend
from hypnos_pipeline.imaging.mattes.tracer_b7 import load_tracer

from .networks import bright_disc, save_tracer

CARVEKIT = [
    [0.0957, 0.7783, 0.9356, 0.8670, 0.9932, 0.9988],
    [0.0198, 0.2614, 0.4666, 0.5429, 0.9463, 0.9594],
    [0.0163, 0.3086, 0.6239, 0.5014, 0.9840, 0.9974],
    [0.0048, 0.0998, 0.6090, 0.4540, 0.9884, 0.9997],
    [0.0093, 0.0259, 0.1960, 0.1854, 0.9955, 0.9999],
    [0.0109, 0.1957, 0.7186, 0.7443, 0.9978, 1.0000],
]
"""Every 16th pixel of carvekit 4.1.2's matte of ``IMAGE`` with the same weights (torch 2.14.1, CPU)."""
IMAGE = torch.sin(torch.arange(3 * 96 * 96) * 0.01).reshape(1, 3, 96, 96)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tracer(tmp_path_factory.mktemp("matting"))


def backend_in(folder: Path) -> BoundBackend:
    return find_backend("tracer_b7", {"size": 64, "threads": 1}, folder)


def test_the_network_is_carvekits(folder):
    tracer = load_tracer(folder / "tracer_b7.safetensors")
    assert sum(parameter.numel() for parameter in tracer.parameters()) == 66_250_292
    with torch.no_grad():
        matte = tracer(IMAGE)
    np.testing.assert_allclose(matte[0, 0, ::16, ::16], CARVEKIT, atol=1e-3)


def test_a_photos_matte_has_its_size_and_all_threads_are_given_back(folder):
    backend, threads = backend_in(folder), torch.get_num_threads()
    assert backend.problems() == []
    photo, _ = bright_disc()
    matte = backend.remove(photo)
    assert (matte.shape, matte.dtype) == ((64, 96), np.float32)
    assert 0.0 <= matte.min() < matte.max() <= 1.0
    assert torch.get_num_threads() == threads


def test_missing_and_foreign_weights_are_named(tmp_path):
    backend = backend_in(tmp_path)
    assert backend.network is not None
    assert str(backend.problems()[0]).startswith(f"{backend.network} is missing; put it there; options.file")
    save_file({"encoder._conv_stem.weight": torch.zeros(3)}, backend.network)
    (lacking,) = backend.problems()
    assert "tensors are missing or of another shape" in lacking.what
    backend.network.write_bytes(b"PK pickled weights")
    for problem in (lacking, *backend.problems()):
        assert problem.what.startswith(f"{backend.network} is not TRACER-B7 (")
        assert problem.what.endswith("; get it again")


def test_weights_that_are_no_numbers_are_refused(folder, tmp_path):
    weights = load_file(folder / "tracer_b7.safetensors")
    weights["agg.conv_concat2.bn.bias"][0] = torch.nan
    backend = backend_in(tmp_path)
    assert backend.network is not None
    save_file(weights, backend.network)
    (problem,) = backend.problems()
    assert "1 tensors hold NaN or infinite values: agg.conv_concat2.bn.bias" in problem.what


def test_a_gpu_that_is_not_there_is_named(folder, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    (problem,) = find_backend("tracer_b7", {"device": "cuda"}, folder).problems()
    assert str(problem).endswith("device 'cuda', but torch sees no CUDA device; choose 'auto' or 'cpu'")
