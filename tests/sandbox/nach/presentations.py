"""Presentation files: taken in whole or refused whole, before the cut-off."""

import hashlib
import re
from datetime import date, datetime

from tests.sandbox.nach.desk import Desk
from tests.sandbox.nach.records import Item, Presentation
from tests.sandbox.nach.words import DAY, ITEM_REF, ist, ist_day, refuse
from tests.sandbox.processor import route
from tests.sandbox.wire import Reply, Request, json_reply

CUT_OFF_HOUR = 10  # of the settlement day, in India
FARTHEST = 7 * DAY
PAISE = re.compile(r"\d{1,13}")
UMRN = re.compile(r"[A-Z0-9]{20}")


class Problems(list[dict[str, object]]):
    """line: counted from one."""

    def note(self, line: int, message: str) -> None:
        self.append({"line": line, "message": message})


class Presentations(Desk):
    @route("PUT", "/presentations/(?P<file_ref>[A-Za-z0-9-]{1,30})")
    def present(self, request: Request) -> Reply:
        file_ref, digest = request.args["file_ref"], hashlib.sha256(request.body).hexdigest()
        known = self.files.get(file_ref)
        if known:
            if known.digest != digest:
                raise refuse(409, "file_exists", "another file came under this name")
            return json_reply(known.shown())
        file = self._read_file(file_ref, request.body, digest)
        if self.clock.now() >= file.cut_off_at:
            raise refuse(422, "cut_off_passed", f"the cut-off was {file.cut_off_at.isoformat()}")
        if file.settlement_on - ist_day(self.clock.now()) > FARTHEST:
            raise refuse(422, "too_far_ahead", "more than seven days ahead")
        self._keep(file)
        return json_reply(file.shown(), 201)

    def _keep(self, file: Presentation) -> None:
        """An item whose reference was used before is presented, and returned as a duplicate; the first one is kept."""
        self.files[file.file_ref] = file
        for item in file.items:
            item.is_repeat = item.item_ref in self.items
            self.items.setdefault(item.item_ref, item)

    def _read_file(self, file_ref: str, body: bytes, digest: str) -> Presentation:
        """Raises Refused with every line that is wrong."""
        problems, now = Problems(), self.clock.now()
        lines = body.decode("ascii", "replace").removesuffix("\n").split("\n")
        head, tail = lines[0].split("|"), lines[-1].split("|")
        flavour, settlement_on = self._head(head, file_ref, problems)
        file = Presentation(
            file_ref, flavour, settlement_on, settlement_on + (DAY if flavour == "ECS" else 0 * DAY), digest, now,
            ist(settlement_on, CUT_OFF_HOUR),
        )  # fmt: skip
        for number, line in enumerate(lines[1:-1], start=2):
            if item := self._item(line.split("|"), number, file, now, problems):
                file.items.append(item)
        count, total = str(len(file.items)), str(sum(item.minor for item in file.items))
        if not file.items:
            problems.note(1, "no item")
        if head[5:] != [count, total]:
            problems.note(1, "count or total of the header is wrong")
        if tail != ["T", count, total]:
            problems.note(len(lines), "count or total of the trailer is wrong")
        if problems:
            raise refuse(422, "invalid_file", "the file was refused whole", lines=list(problems))
        return file

    def _head(self, head: list[str], file_ref: str, problems: Problems) -> tuple[str, date]:
        if len(head) != 7 or head[:3] != ["H", self.UTILITY_CODE, file_ref] or head[4] not in ("NACH", "ECS"):
            problems.note(1, "the header is wrong")
            return "NACH", ist_day(self.clock.now())
        try:
            return head[4], datetime.strptime(head[3], "%Y%m%d").date()
        except ValueError:
            problems.note(1, "the settlement day is no day")
            return head[4], ist_day(self.clock.now())

    def _item(
        self, row: list[str], number: int, file: Presentation, now: datetime, problems: Problems
    ) -> Item | None:  # fmt: skip
        if len(row) != 6 or row[0] != "D" or row[1] != str(number - 1):
            problems.note(number, "the line is wrong or out of sequence")
        elif not UMRN.fullmatch(row[2]) or not PAISE.fullmatch(row[3]) or not ITEM_REF.fullmatch(row[4]):
            problems.note(number, "UMRN, amount or reference is malformed")
        elif len(row[5]) > 30:
            problems.note(number, "the narration is too long")
        else:
            return Item(int(row[1]), row[2], int(row[3]), row[4], file.file_ref, file.settlement_on, now)
        return None

    @route("GET", "/presentations/(?P<file_ref>[^/]+)")
    def read_presentation(self, request: Request) -> Reply:
        file = self.files.get(request.args["file_ref"])
        if file is None or self.hidden(file.sent_at):
            raise refuse(404, "not_found", "no file of this name")
        return json_reply(file.shown())

    @route("GET", "/items/(?P<item_ref>[^/]+)")
    def read_item(self, request: Request) -> Reply:
        item = self.items.get(request.args["item_ref"])
        if item is None or self.hidden(item.sent_at):
            raise refuse(404, "not_found", "no item of this reference")
        return json_reply(item.shown(as_sent=self.hidden(item.changed_at)))
