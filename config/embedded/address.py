"""Where the bundled server is. Pure: computing an address starts and creates nothing."""

import hashlib
import os
from pathlib import Path
from typing import Any

SUPERUSER = "postgres"


def socket_dir(base: Path) -> Path:
    """A short name in /tmp: a socket path has at most 107 bytes, and TMPDIR may differ between two shells."""
    tag = hashlib.sha256(str(base).encode()).hexdigest()[:12]
    return Path("/tmp") / f"quittance-{os.geteuid()}-{tag}"


def database(base: Path, *, name: str = "quittance") -> dict[str, Any]:
    """A DATABASES entry for a server that keeps its data in base."""
    base = base.resolve()
    return {
        "ENGINE": "config.embedded",
        "NAME": name,
        "USER": SUPERUSER,
        "PASSWORD": "",
        "HOST": str(socket_dir(base)),
        "PORT": "",
        "EMBEDDED": {"base": base, "name": name},
    }
