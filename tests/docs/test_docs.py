"""README, the book and their neighbours name only what there is: files, headings, commands, options."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from kedro.framework.cli.cli import KedroCLI
from PIL import Image

from tests.conftest import PROJECT_ROOT as ROOT

README, BOOK = ROOT / "README.md", sorted(ROOT.glob("docs/**/*.md"))
PAGES = [README, ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", *BOOK]
LINK = re.compile(r"(!?)\[[^]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"```.*?```|`[^`]+`", re.DOTALL)
COMMAND = re.compile(r"\bkedro (?:[a-z]+\b[^\n`|#…]*)")
PATH = re.compile(r"(?<![\w/])(?:src|conf|tests|docs|notebooks|data/01_raw)/[\w<>*./-]*[\w>]")
MODULE = re.compile(r"`((?:[a-z_]+/)+(?:\w+\.(?:py|csv))?|\w+\.py)`")
NOT_IN_A_CLONE = ("my_", "mug", "masks", "nowhere", "models.lock", "models/paper", "models/rehearsal")

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def anchors(page: Path) -> set[str]:
    """Returns the fragments that lead to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def exists(kedro: click.Group, line: str) -> bool:
    """Whether kedro has the command that a line begins with, and every option after it."""
    command, words = kedro, line.split()[1:]
    while isinstance(command, click.Group) and words and words[0].isalpha():
        command = command.get_command(click.Context(command), words.pop(0))
    options = {name for parameter in getattr(command, "params", ()) for name in parameter.opts}
    return command is not None and set(re.findall(r"(?<!\S)--[\w-]+", line)) <= options | {"--version"}


@pytest.fixture(scope="module")
def kedro() -> click.Group:
    return KedroCLI(ROOT)


def test_the_readme_is_short_and_its_pictures_have_all_colours():
    text = README.read_text(encoding="utf-8")
    assert len(text.split()) <= 900
    modes = {Image.open(ROOT / target).mode for picture, target in LINK.findall(text) if picture}
    assert modes == {"RGB"}


@pages
def test_links_lead_somewhere(page):
    for _, target in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" not in target:
            file, _, anchor = target.partition("#")
            goal = page.parent / file if file else page
            assert goal.exists(), target
            assert not anchor or anchor in anchors(goal), target


@pages
def test_commands_and_paths_exist(page, kedro):
    text = page.read_text(encoding="utf-8")
    commands = COMMAND.findall("\n".join(CODE.findall(text)))
    assert [line for line in commands if not exists(kedro, line)] == []
    for path in PATH.findall(text):
        found = any(ROOT.glob(re.sub(r"<\w+>", "*", path)))
        assert found or any(mark in path for mark in NOT_IN_A_CLONE), path
    if page.parent == ROOT and page != README:
        for path in MODULE.findall(text):
            assert any((folder / path).exists() for folder in (ROOT, ROOT / "src/hypnos_pipeline")), path


def test_every_page_and_package_stands_in_the_book():
    listed = re.findall(r"- (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(page.relative_to(ROOT / "docs").as_posix() for page in BOOK)
    packages = {file.parent.name for file in ROOT.glob("src/hypnos_pipeline/*/__init__.py")}
    assert packages <= {Path(page).stem for page in listed if page.startswith("api/")}
