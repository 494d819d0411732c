"""Which installed versions the doctor lets pass."""

from __future__ import annotations

from importlib.metadata import version

from hypnos_pipeline.checks.installation import library_checks, python_checks


def said(asked: list[str], lock: str, folder) -> list[tuple[str, str]]:
    (folder / "requirements.lock").write_text(lock)
    return [(check.status, check.text) for check in library_checks(asked, folder)]


def test_libraries_are_compared_with_project_and_lock(tmp_path):
    pillow, numpy = version("pillow"), version("numpy")
    mend = "`make`, or `pip install -r requirements.lock`"
    asked = ["no-such-library>=1", f"pillow<{pillow}", "numpy>=1"]
    assert said(asked, f"pillow=={pillow}\nnumpy==1.0\nnot-on-this-system==3\n", tmp_path) == [
        ("fail", f"no-such-library is not installed; {mend}"),
        ("fail", f"pillow {pillow}; expected <{pillow}: {mend}"),
        (
            "warn",
            f"numpy {numpy}; requirements.lock pins 1.0, with which the study was recorded: {mend}",
        ),
    ]
    ((status, _),) = said(["numpy>=1", "pillow"], f"numpy=={numpy}\n", tmp_path)
    assert status == "ok"


def test_another_python_is_refused():
    (check,) = python_checks(">=2.7,<3")
    assert check.status == "fail"
    assert "expected >=2.7,<3: make the environment anew" in check.text
    assert python_checks(">=3")[0].status == "ok"
