"""The files that modules depend on, from a package's import graph."""

from __future__ import annotations

import pytest

from hypnos_pipeline.stages.code import Code

FILES = {
    "__init__.py": "",
    "py.typed": "",
    "wired/__init__.py": "",
    "wired/nodes.py": "def node():\n    from garden.tools import spade\n",
    "wired/pipeline.py": "import garden.wired.nodes\nimport garden.weather\n",
    "tools/__init__.py": "from garden.tools.rake import RAKE\n",
    "tools/rake.py": "RAKE = 1\n",
    "tools/spade.py": "import garden.words\nSEEDS = 'garden.seeds.beans:sow'\n",
    "tools/barrow.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import garden.weather\n",
    "tools/handles.csv": "ash\n",
    "tools/labels/page.html": "<p>\n",
    "seeds/__init__.py": "",
    "seeds/beans.py": "",
    "words.py": "",
    "weather.py": "",
}


@pytest.fixture
def garden(tmp_path, monkeypatch) -> Code:
    for name, text in FILES.items():
        path = tmp_path / "garden" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    return Code("garden", "src")


@pytest.mark.parametrize(
    ("modules", "whole", "files"),
    [
        ({"garden.words", "pathlib"}, "", ["words.py"]),
        ({"garden.wired.nodes"}, "",
         ["seeds", "tools/handles.csv", "tools/labels", "tools/spade.py", "wired/nodes.py", "words.py"]),
        ({"garden.wired.nodes"}, "garden.wired",
         ["seeds", "tools/handles.csv", "tools/labels", "tools/spade.py", "wired", "words.py"]),
        ({"garden.tools.barrow"}, "garden.nowhere",
         ["tools/barrow.py", "tools/handles.csv", "tools/labels"]),
        ({"garden.tools"}, "", ["tools/__init__.py", "tools/handles.csv", "tools/labels", "tools/rake.py"]),
        ({"garden.tools.rake", "garden.tools.spade", "garden.tools.barrow"}, "",
         ["seeds", "tools", "words.py"]),
    ],
)  # fmt: skip
def test_files_are_those_of_what_is_imported(garden, modules, whole, files):
    assert garden.files(modules, whole) == [f"src/garden/{name}" for name in files]
