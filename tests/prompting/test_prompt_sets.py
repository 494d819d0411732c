"""Prompt sets: the grammar's draws and refusals."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from hypnos_pipeline.imaging.colours import COLOURS
from hypnos_pipeline.prompting.prompt_sets import (
    expand,
    grammar_combinations,
    requests,
    study_prompt_problems,
)
from hypnos_pipeline.prompting.settings import (
    ColourPrompts,
    DisentanglingPrompts,
    FixedPrompts,
    GrammarPrompts,
    PromptSetSettings,
)

STYLES = {
    "photo": ["bright light", "dim light", "close-up", "wide shot"],
    "painting": ["bold colors", "thick paint"],
}
SCENES = [f"in scene {letter}" for letter in "abcdefghij"]


def grammar(**changes) -> GrammarPrompts:
    return GrammarPrompts(**({"image_types": STYLES, "backgrounds": SCENES, "images": 30} | changes))


def test_fixed_prompts_are_repeated_in_turn() -> None:
    given_ = FixedPrompts(prompts=["a photo of {subject}", "a painting of {subject}"], images=5)
    assert expand(given_, "fixed", 1) == (given_.prompts * 3)[:5]


@settings(max_examples=20)
@given(seed=st.integers(0, 2**31), images=st.integers(1, 60))
def test_the_grammar_does_not_repeat_and_styles_suit_their_type(seed, images) -> None:
    prompts = expand(grammar(images=images), "varying", seed)
    assert len(prompts) == len(set(prompts)) == images
    for prompt in prompts:
        image_type = prompt.split()[1]
        assert any(
            prompt == f"a {image_type} of {{subject}} {s}, {y}" for s in SCENES for y in STYLES[image_type]
        )


def test_draws_depend_on_seed_and_name_only() -> None:
    first = expand(grammar(), "varying", 42)
    assert first == expand(grammar(), "varying", 42)
    assert first != expand(grammar(), "varying", 43)
    assert first != expand(grammar(), "other", 42)
    assert first == expand(grammar(images=40), "varying", 42)[:30]


def test_image_types_are_drawn_before_their_styles() -> None:
    backgrounds = [f"in scene {index}" for index in range(60)]
    prompts = expand(grammar(images=60, backgrounds=backgrounds), "varying", 1)
    assert 18 <= sum(prompt.startswith("a photo") for prompt in prompts) <= 42


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"backgrounds": SCENES[:8]}, "at least 50 combinations.*got 48"),
        ({"backgrounds": ["here"] * 40}, "at least 50 combinations.*got 6"),
        ({"images": 61}, "at least 61 combinations.*got 60"),
        ({"backgrounds": [*SCENES, "on a red background"]}, "'red background'"),
        ({"backgrounds": [*SCENES, "Gray  Background"]}, "Background"),
        ({"template": "{image_type} of it {background} {style}"}, r"placeholder \{subject\}"),
        ({"template": "{image_type} {subject} {background}"}, r"placeholder \{style\}"),
        ({"image_types": {"photo": []}}, "'photo' has no styles"),
        ({"template": "{subject} {background} {style} {image_type} {mood}"}, "no other placeholder"),
    ],
)
def test_what_a_grammar_may_not_be_is_refused_naming_the_set(changes, expected) -> None:
    with pytest.raises(ValueError, match=f"prompt set 'varying'.*{expected}"):
        expand(grammar(**changes), "varying", 1)


def test_fixed_prompts_without_the_subject_are_refused() -> None:
    with pytest.raises(ValueError, match=r"prompt set 'plain'.*\{subject\}"):
        expand(FixedPrompts(prompts=["a photo"], images=2), "plain", 1)


def test_fixed_prompts_may_request_listed_backgrounds() -> None:
    given_ = FixedPrompts(prompts=["a photo of {subject}, red background"], images=1)
    assert expand(given_, "backgrounds", 1) == given_.prompts


@given(
    colours=st.lists(st.sampled_from(sorted(COLOURS)), min_size=1, max_size=6, unique=True),
    images=st.integers(1, 40),
)
def test_colours_take_turns_and_every_prompt_names_its_own(colours, images) -> None:
    given_ = ColourPrompts(colours=colours, images=images)
    found = [each["colour"] for each in requests(given_, "backgrounds", 1)]
    assert expand(given_, "backgrounds", 1) == [f"a photo of {{subject}}, {c} background" for c in found]
    counts = [found.count(colour) for colour in colours]
    assert sum(counts) == images
    assert max(counts) - min(counts) <= 1


@given(colours=st.lists(st.sampled_from(sorted(COLOURS)), min_size=1, max_size=6, unique=True))
def test_walls_take_turns_with_plain_backgrounds(colours) -> None:
    walls = "a photo of {subject} in a {colour} walled room"
    given_ = ColourPrompts(colours=colours, wall_template=walls, images=3 * len(colours))
    prompts, found = expand(given_, "backgrounds", 1), requests(given_, "backgrounds", 1)
    plain, rooms = (
        [(prompt, each[key]) for prompt, each in zip(prompts, found, strict=True) if key in each]
        for key in ("colour", "scene_colour")
    )
    assert plain == [(f"a photo of {{subject}}, {c} background", c) for c in colours] * 2
    assert rooms == [(f"a photo of {{subject}} in a {c} walled room", c) for c in colours]
    assert all(len(each) == 1 for each in found)


def test_other_sets_request_no_colour_and_a_grammar_its_scenes() -> None:
    assert requests(FixedPrompts(prompts=["a photo of {subject}"], images=2), "plain", 1) == [{}, {}]
    settings_ = grammar(images=30)
    found = [each["scene"] for each in requests(settings_, "v", 1)]
    for prompt, scene in zip(expand(settings_, "v", 1), found, strict=True):
        assert f"{{subject}} {scene}, " in prompt
        assert scene in SCENES


def test_disentangling_prompts_say_whose_colour_it_is() -> None:
    prompts = [
        {"prompt": "a photo of {subject} in a green walled room", "scene": "green"},
        {"prompt": "a photo of a purple {subject} on a red floor", "scene": "red", "object": ["purple"]},
    ]
    given_ = DisentanglingPrompts(prompts=prompts, images=3)
    assert expand(given_, "d", 1) == [prompts[0]["prompt"], prompts[1]["prompt"], prompts[0]["prompt"]]
    assert requests(given_, "d", 1) == [
        {"scene_colour": "green"},
        {"scene_colour": "red", "object_colours": ["purple"]},
        {"scene_colour": "green"},
    ]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ({"prompt": "a {subject}", "object": ["mauve"]}, "unknown colour 'mauve'; expected one of red, "),
        (
            {"prompt": "a red {subject}"},
            "'a red {subject}' requests no colour; name it under scene or object",
        ),
        ({"prompt": "a red chair", "object": ["red"]}, r"placeholder \{subject\}"),
    ],
)
def test_what_a_disentangling_prompt_may_not_be_is_refused_naming_the_set(prompt, expected) -> None:
    with pytest.raises(ValueError, match=f"prompt set 'd'.*{expected}"):
        expand(DisentanglingPrompts(prompts=[prompt], images=1), "d", 1)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"colours": ["red", "mauve"]}, "unknown colour 'mauve'; expected one of red, orange"),
        ({"colours": ["blu", "mauve"]}, r"'blu'; expected blue, .*unknown colour 'mauve'"),
        ({"colours": ["red", "blue", "red"]}, "each colour once"),
        ({"template": "a photo of {subject}, red background"}, r"placeholder \{colour\}"),
        ({"wall_template": "a {subject} in a green room"}, r"placeholder \{colour\}"),
        ({"template": "a {colour} background"}, r"placeholder \{subject\}"),
    ],
)
def test_what_a_set_of_colours_may_not_be_is_refused_naming_the_set(changes, expected) -> None:
    settings_ = ColourPrompts(**({"colours": ["red", "blue"], "images": 4} | changes))
    with pytest.raises(ValueError, match=f"prompt set 'backgrounds'.*{expected}"):
        expand(settings_, "backgrounds", 1)


def test_a_study_may_request_training_s_own_backgrounds(subject) -> None:
    for colour, problems in (("red", 0), ("mauve", 1)):
        sets = {"backgrounds": ColourPrompts(colours=[colour], images=1)}
        assert len(study_prompt_problems(sets, {"one": subject}, 1)) == problems


def test_combinations_are_all_of_them() -> None:
    combinations = grammar_combinations(grammar(), "v")
    assert {kind: len(prompts) for kind, prompts in combinations.items()} == {"photo": 40, "painting": 20}


def test_a_study_s_problems_come_all_at_once(tokenizer, subject) -> None:
    sets = {
        "long": FixedPrompts(prompts=["a photo of {subject} " + "on the red grass " * 20], images=1),
        "few": grammar(backgrounds=SCENES[:1]),
        "leaking": grammar(backgrounds=[*SCENES, "with ohwx"], images=66),
    }
    subjects = {"one": subject, "two": subject.model_copy(update={"instance_word": "zwx"})}
    problems = study_prompt_problems(sets, subjects, 1, tokenizer)
    found = "\n".join(problems)
    assert "prompt set 'few'" in found
    assert "prompt set 'leaking': holds 'ohwx'" in found
    assert "subject 'one', prompt set 'long'" in found
    assert "subject 'two': instance_word 'zwx'" in found
    assert "subject 'one': instance_word" not in found
    good = {"plain": FixedPrompts(prompts=["a photo of {subject}"], images=1)}
    for given_ in (tokenizer, None):
        assert study_prompt_problems(good, {"one": subject}, 1, given_) == []


def test_the_kind_decides_in_configuration() -> None:
    fixed = {"kind": "fixed", "prompts": ["a photo of {subject}"], "images": 2}
    assert isinstance(TypeAdapter(PromptSetSettings).validate_python(fixed), FixedPrompts)
