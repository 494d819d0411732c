"""What the machine lacks for a study, found before any work."""

from __future__ import annotations

import sys

import pytest
import yaml

from hypnos_pipeline.checks.machine import machine_problems
from hypnos_pipeline.study.model import Study
from hypnos_pipeline.study.parts import ValidParts


@pytest.mark.parametrize(
    ("frozen_vae", "package", "needs"),
    [
        ("half", "bitsandbytes", "optimiser.kind: 'adamw_8bit' (hypnos, dreambooth_low_lr, "),
        ("int8", "optimum", "runtime.frozen_vae: 'int8' needs optimum.quanto"),
    ],
)
def test_a_library_of_8_bit_numbers_that_does_not_start_is_named(
    frozen_vae, package, needs, project_root, monkeypatch, tmp_path
):
    study = yaml.safe_load((project_root / "conf/paper/parameters_study.yml").read_text())
    study["runtime"]["frozen_vae"] = frozen_vae
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").write_text("raise RuntimeError('CUDA Setup failed\\nin five ways')")
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    (problem,) = machine_problems(ValidParts.of(Study, study))
    assert needs in problem.what
    assert problem.what.endswith("does not start (CUDA Setup failed)")
