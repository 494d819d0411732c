"""How a varying prompt is composed: the study's own lists, and prompts drawn from them (paper Fig. 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import Formatter
from typing import TYPE_CHECKING

from hypnos_pipeline.prompting.prompt_sets import expand, grammar_combinations
from hypnos_pipeline.reporting.lettering import BLACK, FONT_SIZE, LINE, MARGIN, WHITE, Ink, font, notice

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

    from hypnos_pipeline.prompting.settings import GrammarPrompts

INK: dict[str, Ink] = {"image_type": (178, 24, 24), "background": (22, 112, 46), "style": (30, 74, 160)}
TITLES = {"image_type": "Image type", "background": "Background", "style": "Style, of the drawn type"}
FAINT: Ink = (125, 125, 125)
SHOWN = 8
"""Drawn prompts that are written out."""
INSET, BETWEEN = 12, 36
PHRASE = "[V] [C]"


def prompt_grammar(name: str, settings: GrammarPrompts, seed: int) -> Image.Image:
    """Draws a grammar's three lists with the first drawn choice in colour, and the first drawn prompts.

    Args:
        name: The prompt set's.
        settings: Its lists.
        seed: The study's, so that the prompts are those of its samples.
    """
    from PIL import Image, ImageDraw

    drawn = drawn_words(name, settings, seed)[:SHOWN]
    columns = _columns(settings, drawn[0])
    letters = font()
    widths = {
        part: round(max(letters.getlength(text) for text in (TITLES[part], *column)) + BETWEEN)
        for part, column in columns.items()
    }
    longest = max(letters.getlength("".join(text for text, _ in pieces(each, settings))) for each in drawn)
    rows = max(len(column) for column in columns.values())
    top, below = 3 * LINE, 3 * LINE + (rows + 2) * LINE
    width = max(sum(widths.values()), round(longest) + 2 * LINE) + 2 * INSET
    sheet = Image.new("RGB", (width, below + (len(drawn) + 2) * LINE), WHITE)
    draw = ImageDraw.Draw(sheet)
    counted = sum(len(styles) for styles in settings.image_types.values()) * len(settings.backgrounds)
    title = f"{name}: {counted} combinations, {settings.images} drawn without repeats"
    draw.text((INSET, MARGIN), title, fill=BLACK, font=font(FONT_SIZE + 3))
    left = INSET
    for part, column in columns.items():
        draw.text((left, top - LINE - MARGIN), TITLES[part], fill=BLACK, font=letters)
        for row, (text, chosen) in enumerate(column.items()):
            draw.text((left, top + row * LINE), text, fill=INK[part] if chosen else FAINT, font=letters)
        left += widths[part]
    draw.text((INSET, below), "The first drawn:", fill=BLACK, font=letters)
    for row, each in enumerate(drawn):
        written = [(f"{row}  ", FAINT), *pieces(each, settings)]
        _write_pieces(draw, (INSET, below + (row + 1) * LINE + MARGIN), written)
    return sheet


def no_grammar() -> Image.Image:
    """Returns the notice for a study without a grammar."""
    return notice("Composed prompts", "No prompt set of this study is composed from lists.")


def drawn_words(name: str, settings: GrammarPrompts, seed: int) -> list[dict[str, str]]:
    """Returns the image type, background and style of every prompt of a study's samples, in their order."""
    words = {
        prompt: words
        for prompts in grammar_combinations(settings, name).values()
        for prompt, words in prompts.items()
    }
    return [words[prompt] for prompt in expand(settings, name, seed)]


def pieces(words: Mapping[str, str], settings: GrammarPrompts) -> list[tuple[str, Ink]]:
    """Returns a prompt in pieces with their ink, ``[V] [C]`` where the subject is named.

    Args:
        words: What fills the template: image type, background and style.
        settings: The grammar.
    """
    found: list[tuple[str, Ink]] = []
    for before, part, *_ in Formatter().parse(settings.template):
        found.append((before, BLACK))
        if part is not None:
            found.append((words[part], INK[part]) if part in words else (PHRASE, BLACK))
    return [(text, ink) for text, ink in found if text]


def _columns(settings: GrammarPrompts, drawn: Mapping[str, str]) -> dict[str, dict[str, bool]]:
    """Returns each list, every entry with whether it was drawn."""
    return {
        "image_type": {each: each == drawn["image_type"] for each in settings.image_types},
        "background": {each: each == drawn["background"] for each in settings.backgrounds},
        "style": {
            f"{style} ({image_type})": (image_type, style) == (drawn["image_type"], drawn["style"])
            for image_type, several in settings.image_types.items()
            for style in several
        },
    }


def _write_pieces(
    draw: ImageDraw.ImageDraw, corner: tuple[int, int], parts: Sequence[tuple[str, Ink]]
) -> None:
    x, y = float(corner[0]), corner[1]
    for text, ink in parts:
        draw.text((x, y), text, fill=ink, font=font())
        x += font().getlength(text)
