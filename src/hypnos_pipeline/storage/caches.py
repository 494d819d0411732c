"""Where libraries keep what they compiled or looked up, if the home folder cannot be written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

FOLDERS = {"NUMBA_CACHE_DIR": "numba", "MPLCONFIGDIR": "matplotlib"}
"""Variables that name such folders → name of the folder. Without one, numba fails and matplotlib warns."""


def use_writable_caches() -> None:
    """Names a folder below the system's temporary one, where neither the user nor the home folder has one."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
    missing = {variable: name for variable, name in FOLDERS.items() if not os.environ.get(variable)}
    if not missing or _can_be_made(home):
        return
    folder = _private_folder()
    os.environ |= {variable: str(folder / name) for variable, name in missing.items()}


def _can_be_made(folder: Path) -> bool:
    """Whether this user may make the folder or, if it is there, write in it; not if it is not known where."""
    if not folder.is_absolute():
        return False
    # Not Path.exists, which fails within another user's home folder.
    nearest = next(each for each in (folder, *folder.parents) if os.path.exists(each))
    return os.path.isdir(nearest) and os.access(nearest, os.W_OK | os.X_OK)


def _private_folder() -> Path:
    """Returns a folder of this user alone, the same in every run: nobody else can put code in it."""
    folder = Path(tempfile.gettempdir()) / f"hypnos-caches-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if folder.is_symlink() or found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise PermissionError(folder)
    except OSError:
        return Path(tempfile.mkdtemp(prefix="hypnos-caches-"))
    return folder
