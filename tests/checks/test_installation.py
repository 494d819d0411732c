"""Which installed versions the doctor lets pass."""

from __future__ import annotations

from importlib.metadata import version

from hypnos_pipeline.checks.findings import rows
from hypnos_pipeline.checks.installation import library_findings, python_findings


def test_libraries_are_compared_with_project_and_lock(tmp_path):
    def found(required: list[str], lock: str) -> list[tuple[str, str, str]]:
        (tmp_path / "requirements.lock").write_text(lock)
        return rows(library_findings(required, tmp_path))

    pillow, numpy = version("pillow"), version("numpy")
    fix = "`make`, or `pip install -r requirements.lock`"
    required = ["no-such-library>=1", f"pillow<{pillow}", "numpy>=1"]
    assert found(required, f"pillow=={pillow}\nnumpy==1.0\nnot-on-this-system==3\n") == [
        ("error", "libraries", f"no-such-library is not installed; {fix}"),
        ("error", "libraries", f"pillow {pillow}; expected <{pillow}: {fix}"),
        (
            "warning",
            "libraries",
            f"numpy {numpy}; requirements.lock pins 1.0, as the recorded study had it; {fix}",
        ),
    ]
    here = f"numpy==1.0 ; sys_platform == 'elsewhere'\nnumpy=={numpy} ; sys_platform != 'elsewhere'\n"
    ((status, _, _),) = found(["numpy>=1", "pillow"], here)
    assert status == "ok"


def test_what_belongs_to_one_system_is_locked_for_that_system_alone(project_root):
    pins = (project_root / "requirements.lock").read_text().splitlines()
    of_linux = [pin for pin in pins if pin.startswith(("nvidia-", "triton=="))]
    assert of_linux
    assert [pin for pin in of_linux if "sys_platform == 'linux'" not in pin] == []


def test_another_python_is_refused():
    ((status, _, text),) = rows(python_findings(">=2.7,<3"))
    assert status == "error"
    assert "expected >=2.7,<3: make the environment anew" in text
    assert rows(python_findings(">=3"))[0][0] == "ok"
