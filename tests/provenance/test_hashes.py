"""Hashes are DVC's own."""

from __future__ import annotations

import shutil

from hypnos_pipeline.provenance.hashes import cached, cached_files, folder_md5, on_disk
from hypnos_pipeline.provenance.record import read_record
from tests.provenance.small_study import IMAGING, write


def recorded(root):
    stages = read_record(root).stages.values()
    return {each.path: each for stage in stages for each in [*stage.deps.values(), *stage.outs.values()]}


def test_all_hashes_are_those_of_the_lock(study):
    entries = recorded(study)
    assert {each.is_folder for each in entries.values()} == {True, False}
    for path, each in entries.items():
        found = on_disk(study, path)
        assert found.md5 == each.md5
        assert len(found.files) == (each.nfiles or 0)


def test_without_a_dvc_repository_the_hashes_are_the_same(study):
    entries = recorded(study)
    shutil.rmtree(study / ".dvc")
    assert {path: on_disk(study, path).md5 for path in entries} == {
        path: each.md5 for path, each in entries.items()
    }


def test_ignored_files_do_not_count(study):
    assert (study / IMAGING / "__pycache__/square.pyc").is_file()
    before = on_disk(study, IMAGING)
    assert set(before.files) == {"square.py"}
    write(study, f"{IMAGING}/__pycache__/other.pyc", "x")
    assert on_disk(study, IMAGING) == before
    write(study, f"{IMAGING}/other.py", "x")
    assert on_disk(study, IMAGING).md5 != before.md5


def test_a_folder_is_known_by_its_files(study):
    found = on_disk(study, "data/01_raw/subjects/chair")
    assert list(found.files) == ["00.jpg", "01.jpg", "masks/00.png"]
    assert folder_md5(dict(reversed(found.files.items()))) == found.md5
    assert folder_md5({**found.files, "00.jpg": found.files["01.jpg"]}) != found.md5


def test_what_is_not_there_has_no_hash(study):
    assert on_disk(study, "data/nowhere") is None


def test_a_rewritten_file_is_read_anew(study):
    path = "data/01_raw/subjects/chair/00.jpg"
    before = on_disk(study, path)
    write(study, path, "another picture, of another size")
    assert on_disk(study, path) != before


def test_the_cache_lists_recorded_folders(study):
    out = recorded(study)["data/07_model_output/mini/chair/samples/hypnos"]
    files = on_disk(study, out.path).files
    shutil.rmtree(study / out.path)
    assert cached_files(study, out.md5) == files
    assert cached(study, files["00.jpg"]).read_text() == "chair 00.jpg"
    assert cached_files(study, "0" * 32 + ".dir") is None
