"""Files that are there whole or not at all, whenever the power goes: papers of the archive, kept documents."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO


def write_whole(path: Path, data: bytes) -> None:
    """Write a file once, for reading only. A crash leaves all of it or nothing."""
    with writing_whole(path) as file:
        file.write(data)


@contextmanager
def writing_whole(path: Path) -> Iterator[IO[bytes]]:
    """As write_whole, for what is written in pieces."""
    _make_folder(path.parent)
    with NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
        try:
            yield file
            file.flush()
            os.fchmod(file.fileno(), 0o440)
            os.fsync(file.fileno())
            os.replace(file.name, path)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(file.name)
            raise
    _fsync_folder(path.parent)


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _fsync_folder(folder.parent)


def _fsync_folder(folder: Path) -> None:
    """Without this the name of a file that was written can still be lost with the power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
