"""One torch thread: contended threads are many times slower, and tiny networks gain nothing from two."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Holds for the folder whose conftest imports it, so that the others need no torch."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
