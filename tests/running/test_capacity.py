"""What this machine has for the processes of a run."""

from __future__ import annotations

import pytest

from hypnos_pipeline.running import capacity


@pytest.mark.parametrize(
    ("visible", "seen", "names"),
    [(None, 2, ["0", "1"]), ("3,GPU-5f1c", 2, ["3", "GPU-5f1c"]), ("3,-1,5", 1, ["3"]), ("", 0, [])],
)
def test_gpus_are_those_that_torch_sees_also_where_nvidia_s_program_is_missing(
    visible, seen, names, monkeypatch
):
    monkeypatch.setattr("torch.cuda.device_count", lambda: seen)
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert capacity.gpus() == names
