"""LPIPS against the package of its authors: random AlexNet, the published heads, no network."""

from __future__ import annotations

import warnings

import pytest
import torch

from hypnos_pipeline.metrics.features import ImageFeatures, MetricNetworks
from hypnos_pipeline.metrics.lpips import lpips
from hypnos_pipeline.metrics.pairwise import pairwise
from hypnos_pipeline.metrics.registry import METRICS
from hypnos_pipeline.models.lpips import load_lpips_network, save_alexnet_lpips
from tests.reference.pictures import as_arrays, of_every_pair, pictures


@pytest.fixture(scope="module")
def package():
    from lpips import LPIPS

    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # torchvision's, on how the package asks for no weights
        torch.manual_seed(0)
        return LPIPS(net="alex", pnet_rand=True, verbose=False).requires_grad_(False)


@pytest.fixture(scope="module")
def network(package, tmp_path_factory):
    """The same weights under torchvision's names, from a folder."""
    backbone = {f"features.{key.split('.', 1)[1]}": value for key, value in package.net.state_dict().items()}
    folder = tmp_path_factory.mktemp("lpips")
    save_alexnet_lpips(backbone, [head.model[1].weight for head in package.lins], folder)
    return load_lpips_network(folder)


@pytest.mark.parametrize("size", [64, 128])
def test_it_is_the_packages_on_every_pair(package, network, kind, size):
    a, b = pictures(kind, 3, size), pictures(kind, 2, size, first=3)
    expected = of_every_pair(lambda x, y: package(x[None], y[None], normalize=True), a, b)
    torch.testing.assert_close(lpips(a, b, network), expected, rtol=1e-5, atol=0)


def test_batches_do_not_change_it(network):
    a, b = as_arrays(pictures("photos", 5, 64)), as_arrays(pictures("photos", 2, 64, first=5))
    networks = MetricNetworks(device=torch.device("cpu"), lpips=network)
    one, all_at_once = (
        pairwise(
            METRICS["lpips"], ImageFeatures(a, networks, batch), ImageFeatures(b, networks, batch), range(5)
        )
        for batch in (1, 5)
    )
    torch.testing.assert_close(one, all_at_once, rtol=1e-5, atol=0)
