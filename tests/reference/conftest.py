"""FID's Inception with random weights, built once, and one torch thread."""

from __future__ import annotations

import pytest

from tests.one_thread import one_thread  # noqa: F401
from tests.reference.pictures import KINDS, pictures


@pytest.fixture(params=KINDS)
def kind(request) -> str:
    """What the pictures are."""
    return request.param


@pytest.fixture(scope="session")
def published():
    """A state of the published form with random weights whose BatchNorm statistics fit pictures.

    Without such statistics the activations of a random Inception grow without bound, and every distance is
    one of noise.
    """
    import torch

    from hypnos_pipeline.models.inception import FidInceptionV3, resize_like_clean_fid
    from hypnos_pipeline.models.random.drawing import calibrate, drawn

    network = drawn(FidInceptionV3, 0, "inception")
    images = torch.cat([pictures(kind, 2, 96) for kind in KINDS])
    calibrate(network, (resize_like_clean_fid(images * 255) - 128) / 128)
    classifier = {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}
    return {key: value.detach().clone() for key, value in network.state_dict().items()} | classifier


@pytest.fixture(scope="session")
def inception(published, tmp_path_factory):
    """The product's network of those weights, loaded from a folder."""
    from hypnos_pipeline.models.frechet import load_frechet_network
    from hypnos_pipeline.models.inception import save_fid_inception

    folder = tmp_path_factory.mktemp("inception")
    save_fid_inception(published, folder)
    return load_frechet_network(folder)


@pytest.fixture(scope="session")
def features(inception):
    """Features of 4 and 3 pictures of each kind, by kind; shared, since they cost the most."""
    return {
        kind: (inception.embed(pictures(kind, 4, 96)), inception.embed(pictures(kind, 3, 96, first=4)))
        for kind in KINDS
    }


@pytest.fixture
def offline_weights(published, monkeypatch):
    """Lets torch-fidelity, and torchmetrics through it, find those weights instead of the network.

    They load them strictly, so every key has its published name.
    """
    from torch_fidelity import feature_extractor_inceptionv3 as library

    monkeypatch.setattr(library, "load_state_dict_from_url", lambda *_, **__: published)
