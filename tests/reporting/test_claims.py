"""Registered claims: what is refused, and that every sentence is the paper's own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from hypnos_pipeline.errors import ClaimsError
from hypnos_pipeline.metrics.registry import METRICS
from hypnos_pipeline.reporting.claims import Claims, read_claims
from hypnos_pipeline.reporting.deltas import delta_of

METHODS = ("hypnos", "dreambooth_low_lr", "base")
PROMPT_SETS = ("invariant", "varying")
CLAIM = {
    "section": "4.1.1",
    "sentence": "Hypnos is superior.",
    "claim": "HYPNOS is superior",
    "measure": "dino on invariant: hypnos - dreambooth_low_lr",
    "direction": "higher",
    "delta": 0.05,
    "why": "It matters.",
}


def read(folder: Path, *claims: dict) -> Claims:
    file = folder / "claims.yml"
    file.write_text(yaml.safe_dump({"claims": list(claims)}))
    return read_claims(file, METHODS, PROMPT_SETS)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"measure": "dinno on invariant: hypnos - base"},
            "'HYPNOS is superior': .* 'dinno'; expected dino,",
        ),
        ({"measure": "dino on invariants: hypnos - base"}, "no prompt set 'invariants'; expected invariant,"),
        ({"measure": "dino on invariant: hypnoss - base"}, "no method 'hypnoss'; expected hypnos,"),
        (
            {"measure": "dino on varying: base - base on invarant"},
            "no prompt set 'invarant'; expected invariant",
        ),
        ({"measure": "fid on invariant: hypnos - base"}, "fid has no values of single images"),
        ({"measure": "dino on varying: base - base"}, "base is compared with itself"),
        ({"measure": "hypnos has the better dino"}, "not of the form 'dino on varying"),
        ({"direction": "up"}, "direction: 'up'; expected one of higher, lower"),
        ({"delta": 0}, "delta: 0; expected more than 0"),
        ({"whi": "It matters."}, "unknown key; expected why"),
    ],
)
def test_a_wrong_claim_is_refused_by_name(tmp_path, changed, message):
    with pytest.raises(ClaimsError, match=message):
        read(tmp_path, CLAIM | changed)


def test_two_claims_of_one_name_are_refused(tmp_path):
    with pytest.raises(ClaimsError, match="2 claims are named 'HYPNOS is superior'"):
        read(tmp_path, CLAIM, CLAIM | {"measure": "dino on varying: hypnos - base"})


def test_all_problems_are_listed_at_once_and_a_missing_file_is_named(tmp_path):
    with pytest.raises(ClaimsError, match="Claims: 2 problems to fix"):
        read(tmp_path, CLAIM | {"measure": "dno on invariant: hypnos - bas"})
    with pytest.raises(ClaimsError, match=f"conf/{tmp_path.name}/nowhere.yml"):
        read_claims(tmp_path / "nowhere.yml", METHODS, PROMPT_SETS)


@pytest.fixture(scope="module")
def registered(project_root) -> Claims:
    folder = project_root / "conf/mini_findings"
    study = yaml.safe_load((folder / "parameters_study.yml").read_text(encoding="utf-8"))
    methods = [name for family in study["methods"].values() for name in family]
    return read_claims(folder / "claims.yml", methods, study["prompt_sets"])


def test_every_section_is_covered_and_every_metric_is_taken(registered, project_root):
    sections = {each.section for each in (*registered.claims, *registered.not_measured)}
    assert sections == {"4.1.1", "4.1.2", "4.1.3", "4.2.1", "4.2.2", "0.E.1", "0.E.2", "0.F"}
    study = yaml.safe_load(
        (project_root / "conf/mini_findings/parameters_study.yml").read_text(encoding="utf-8")
    )
    assert {each.comparison.metric for each in registered.claims} <= {*study["evaluation"]["metrics"]}


def test_a_claim_has_the_delta_of_its_metric(registered):
    """Ablations take the metric's own δ and claims the registered one: both the same."""
    means = [each for each in registered.claims if not each.comparison.spread]
    assert {each.comparison.metric: each.delta for each in means} == {
        each.comparison.metric: delta_of(each.comparison.metric) for each in means
    }
    assert all(delta_of(name) > 0 for name, metric in METRICS.items() if metric.kind != "set")


def test_every_sentence_is_in_the_paper(registered, project_root):
    places = [folder / "shared/paper/hypnos_paper.txt" for folder in project_root.parents]
    paper = next(filter(Path.is_file, places), None)
    if paper is None:
        pytest.skip("the paper's text is not at hand: no shared/paper/hypnos_paper.txt above the project")
    text = " ".join(paper.read_text(encoding="utf-8").split())
    for each in (*registered.claims, *registered.not_measured):
        start = text.index(f" {each.section} ") if each.section.count(".") > 1 else 0
        for part in re.split(r" ?\.\.\. ?", each.sentence):
            assert part in text[start:], (each.section, part)
