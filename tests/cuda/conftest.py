"""What only a GPU can show: run by `make test` where there is one, and by `python -m benchmarks.gpu`."""

from __future__ import annotations

import os

import pytest

ON = "HYPNOS_CUDA_TESTS_ON"
"""`cpu` tries these tests without a GPU (`python -m benchmarks.gpu --small`), where they show nothing new."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/cuda/" in item.path.as_posix():
            item.add_marker("cuda")


@pytest.fixture(scope="session")
def device():
    """The GPU, configured as the pipelines configure it."""
    import torch

    from hypnos_pipeline.models.runtime import configure
    from hypnos_pipeline.models.settings import RuntimeSettings

    name = os.environ.get(ON, "cuda")
    if name == "cuda" and not torch.cuda.is_available():
        pytest.skip("torch sees no CUDA GPU")
    return configure(RuntimeSettings(device=name, threads=1))
