"""The paper's remover, with random weights at a small size, where its optional code is installed."""

from __future__ import annotations

import random
from importlib.util import find_spec

import numpy as np
import pytest

from hypnos_pipeline.imaging.mattes import tracer_b7
from hypnos_pipeline.imaging.mattes.registry import find_backend

from .networks import bright_disc

needs_carvekit = pytest.mark.skipif(
    find_spec("carvekit") is None, reason="the extra 'tracer' (carvekit) is not installed"
)
OPTIONS = {"size": 64, "threads": 1}


def test_without_the_extra_it_is_named_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr(tracer_b7, "find_spec", lambda name: None)
    (problem,) = find_backend("tracer_b7", {}, tmp_path).problems()
    assert problem.what == "tracer_b7: its code is not installed"
    assert problem.fix == "`pip install 'hypnos-pipeline[tracer]'`, or choose another backend"


@needs_carvekit
def test_missing_and_foreign_weights_are_named(tmp_path):
    import torch
    from safetensors.torch import save_file

    backend = find_backend("tracer_b7", OPTIONS, tmp_path)
    assert str(backend.problems()[0]).startswith(f"{backend.network} is missing; `kedro models fetch` gets")
    save_file({"encoder._conv_stem.weight": torch.zeros(3)}, backend.network)
    (lacking,) = backend.problems()
    assert "tensors are missing or of another shape" in lacking.what
    backend.network.write_bytes(b"PK pickled weights")
    for problem in (lacking, *backend.problems()):
        assert problem.what.startswith(f"{backend.network} is not TRACER-B7 (")
        assert problem.what.endswith("; get it again")


@needs_carvekit
def test_the_published_network_runs_on_what_carvekit_would_give_it(tmp_path):
    import torch
    from safetensors.torch import save_file

    random.seed(5)
    expected_draw = random.random()
    random.seed(5)
    network = tracer_b7.build_tracer()
    assert random.random() == expected_draw  # importing carvekit would have seeded it
    assert sum(parameter.numel() for parameter in network.parameters()) == 66_250_292
    state = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    backend = find_backend("tracer_b7", OPTIONS, tmp_path)
    save_file(state | {"edge.detector": torch.zeros(2)}, backend.network)
    assert backend.problems() == []
    photo, _ = bright_disc()
    matte = backend.remove(photo)
    assert matte.shape == (64, 96)
    assert matte.dtype == np.float32
    np.testing.assert_allclose(matte, 0.5, atol=0.01)  # as random weights predict of everything

    from carvekit.ml.wrap.tracer_b7 import TracerUniversalB7

    theirs = TracerUniversalB7(
        input_image_size=64, load_pretrained=False, batch_size=1, model_path=str(backend.network)
    )
    ours = tracer_b7.load_tracer(backend.network, "cpu")
    for each in (ours, theirs):  # a map that shows how the photo came in, and how a map goes out
        each.register_forward_hook(lambda _, inputs, output: torch.sigmoid(inputs[0][:, :1]))
    (expected,) = theirs([photo])
    np.testing.assert_allclose(backend.remove(photo), np.asarray(expected) / 255, atol=2 / 255)
