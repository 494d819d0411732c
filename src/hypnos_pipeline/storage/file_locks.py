"""Files locked by a process for as long as it lives, on disks that know such locks.

The operating system lets go of a lock when its process ends, however it ends. Some network disks and disks in
user space know no locks, so whoever uses them decides what to do there.
"""

from __future__ import annotations

import fcntl
from typing import IO, Any


def try_lock(file: IO[Any], *, shared: bool = False) -> bool | None:
    """Locks an open file, until it is closed or this process ends, unless another process has it locked.

    Args:
        file: Opened for writing, or for reading if the lock is a shared one: NFS insists on it.
        shared: Whether others may hold such a lock beside this one.

    Returns:
        Whether it is locked now; None if the disk knows no locks.
    """
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def wait_for_lock(file: IO[Any]) -> None:
    """Locks a file opened for writing once no other process has it locked; does nothing without locks."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError:
        return
