"""Peak memory, counted on the pipeline's own code: ``paper`` fits the GPUs that ``runtime.memory`` names."""

from __future__ import annotations

import pytest
import torch
import yaml

from hypnos_pipeline.checks.needs import CUDA, memory_needs
from hypnos_pipeline.checks.peak_memory import stages, table
from hypnos_pipeline.checks.peak_memory.tensors import REST, counted
from hypnos_pipeline.checks.sizes import NetworkSizes
from hypnos_pipeline.study.model import Study
from hypnos_pipeline.study.parts import ValidParts

GOAL = 10.5e9
"""Bytes that the whole ``paper`` run may take of a GPU."""


@pytest.fixture
def paper(project_root) -> dict:
    return yaml.safe_load((project_root / "conf/paper/parameters_study.yml").read_text())


def test_storages_count_while_they_live_and_the_peak_stays():
    with counted() as memory:
        first = torch.zeros(1000)
        view = first[10:]
        memory.label([first], "kept")
        second = torch.ones(2, 3, dtype=torch.float16) + 1  # two storages, of which one stays
        assert memory.now == {"kept": 4096, REST: 512}
        assert memory.peak == {"kept": 4096, REST: 1024}
        del first, second
        assert +memory.now == {"kept": 4096}
        del view
        assert +memory.now == {}
        assert sum(memory.peak.values()) == 5120
    assert torch.zeros(2).tolist() == [0.0, 0.0]  # tensors are real again


def test_autocast_keeps_normalisations_in_float32_as_on_a_gpu():
    half = torch.randn(1, 8, 4, 4).bfloat16()
    normalise = torch.nn.GroupNorm(2, 8)
    with torch.autocast("cpu", torch.bfloat16):
        outside = normalise(half)
        with counted():
            assert torch.nn.GroupNorm(2, 8)(half).dtype == torch.float32
        assert normalise(half).dtype == outside.dtype


def known(stage: str) -> list[table.Counted]:
    return [row for row in table.read() if row.stage == stage]


def test_the_discriminators_pretraining_by_hand(paper):
    (row,) = known(table.PRETRAINING)
    (counts,) = row.moments.values()
    trained = 4 * 1_593_000  # method.md §6: 1.59 M parameters, float32
    assert counts["weights"] == pytest.approx(trained, rel=0.02)
    assert counts["optimiser"] == pytest.approx(2 * trained, rel=0.02)
    assert counts["gradients"] <= counts["weights"]  # most is taken while few of them are there
    assert stages.count_pretraining(Study.model_validate(paper).discriminator) == row.moments


def test_encoding_is_as_recorded(paper):
    (row,) = known(table.ENCODING)
    (counts,) = stages.count_encoding(paper["image_size"]).values()
    assert sum(counts.values()) == pytest.approx(row.peak, rel=1e-3)


@pytest.mark.long
@pytest.mark.parametrize("stage", ["hypnos", "dreambooth"])
def test_the_papers_largest_stages_are_as_recorded(paper, stage):
    """`python -m benchmarks.memory` counts all of them, in ten minutes."""
    from benchmarks.memory import trainings

    recorded = {(row.stage, row.recomputed, row.images): row for row in known(stage) if row.half}
    for row, count in trainings(Study.model_validate(paper), half=True, batch=1):
        if row.stage == stage and "unet" in row.recomputed:
            row.moments.update(count())
            before = recorded[stage, row.recomputed, row.images]
            assert row.peak == pytest.approx(before.peak, rel=0.01)
            return
    pytest.fail(f"{stage} is not counted")


def test_the_papers_run_keeps_to_its_goal(paper):
    paper["runtime"]["memory"] = 12
    needs = memory_needs(ValidParts.of(Study, paper), NetworkSizes(), on_gpu=True)
    assert {need.what.split()[0] for need in needs} >= {"training", "sampling", "evaluation"}
    assert max(need.about for need in needs) - CUDA <= GOAL


@pytest.mark.parametrize("memory", [12, 16, 24])
def test_the_paper_fits_the_gpu_that_it_is_set_for(paper, memory):
    paper["runtime"]["memory"] = memory
    needs = memory_needs(ValidParts.of(Study, paper), NetworkSizes(), on_gpu=True)
    assert max(need.about for need in needs) <= memory * 1e9
    # An explicit word wins over the card's size.
    method = paper["methods"]["hypnos"]["hypnos"]
    method["perceptual"]["gradient_checkpointing"] = method["optimiser"]["gradient_checkpointing"] = False
    explicit = memory_needs(ValidParts.of(Study, paper), NetworkSizes(), on_gpu=True)
    assert max(need.about for need in explicit) >= max(need.about for need in needs)


def test_another_size_of_gpu_is_refused_with_the_choices(paper):
    paper["runtime"]["memory"] = 8
    (problem,) = Study.problems(paper)
    assert "runtime.memory" in str(problem)
    assert "12, 16, 24" in str(problem)
