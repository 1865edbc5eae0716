"""How far a run of papers is, and how long it still takes."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q

from receipts.models import PaperItemState, PaperRun, PaperRunState

LATEST = 100


@dataclass(frozen=True)
class Progress:
    """new: made by this run; the rest of done was there already and says the same. left: None where nobody knows."""

    total: int
    done: int
    new: int
    failed: int
    left: timedelta | None

    @property
    def waiting(self) -> int:
        return self.total - self.done - self.failed

    @property
    def reached(self) -> int:
        return self.done + self.failed

    @property
    def percent(self) -> int:
        return 100 * self.reached // self.total if self.total else 100


def progress_of(run: PaperRun, now: datetime) -> Progress:
    """Two queries. The time left goes by the pace of the last hundred, up to now."""
    counts = run.items.aggregate(
        total=Count("id"), done=Count("id", filter=Q(state=PaperItemState.DONE)),
        new=Count("id", filter=Q(state=PaperItemState.DONE, is_new=True)),
        failed=Count("id", filter=Q(state=PaperItemState.FAILED)),
    )  # fmt: skip
    waiting = counts["total"] - counts["done"] - counts["failed"]
    left = _left(run, waiting, now) if run.state == PaperRunState.RUNNING and waiting else None
    return Progress(**counts, left=left)


def _left(run: PaperRun, waiting: int, now: datetime) -> timedelta | None:
    made = run.items.filter(done_at__gte=run.started_at).order_by("-done_at").values_list("done_at", flat=True)
    times = [at for at in made[:LATEST] if at is not None]
    if len(times) < 2 or now <= times[-1]:
        return None
    return (now - times[-1]) * waiting // len(times)
