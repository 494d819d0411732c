"""Asked backgrounds in the plan: every method's rows carry the same colours, prompts and noise."""

from __future__ import annotations

from hypnos_pipeline.pipelines.sampling.nodes import plan_samples

PROMPT_SETS = {
    "invariant": {"kind": "fixed", "prompts": ["a photo of {subject}"], "images": 2},
    "backgrounds": {"kind": "colours", "colours": ["red", "blue", "white"], "images": 5},
}


def test_rows_carry_the_colour_that_their_prompt_asks_for() -> None:
    ours = plan_samples(PROMPT_SETS, "sks robot", "robot", seed=42)
    base = plan_samples(PROMPT_SETS, "robot", "robot", seed=42)
    asked = [row for row in ours if row["prompt_set"] == "backgrounds"]
    assert [row["colour"] for row in asked] == ["red", "blue", "white", "red", "blue"]
    assert all(row["prompt"] == f"a photo of sks robot, {row['colour']} background" for row in asked)
    assert not any("colour" in row for row in ours if row["prompt_set"] == "invariant")
    assert [row | {"prompt": ""} for row in ours] == [row | {"prompt": ""} for row in base]


def test_a_new_prompt_set_leaves_the_others_as_they_were() -> None:
    alone = plan_samples({"invariant": PROMPT_SETS["invariant"]}, "sks robot", "robot", seed=42)
    assert plan_samples(PROMPT_SETS, "sks robot", "robot", seed=42)[:2] == alone
