"""Files of parameters, parsed once; DVC parses them anew for every stage that reads one of their keys."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dvc.dependency import param

if TYPE_CHECKING:
    from dvc.fs import FileSystem


@contextmanager
def parsed_once() -> Generator[None]:
    """Lets DVC meanwhile parse a file again only if its size or time has changed."""
    original, kept = param.load_path, dict[tuple[Any, ...], Any]()

    def load(path: str, fs: FileSystem, **options: Any) -> Any:
        info = fs.info(path)
        key = (path, info["size"], info["mtime"], *options.items())
        if key not in kept:
            kept[key] = original(path, fs, **options)
        return kept[key]

    param.load_path = load
    try:
        yield
    finally:
        param.load_path = original
