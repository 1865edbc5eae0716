"""The steering page: every sandbox of one process at one address, for a person with a browser."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests.sandbox.clock import Clock
from tests.sandbox.processor import Processor, route
from tests.sandbox.steering.asking import STEER, steer
from tests.sandbox.wire import Reply, Request, json_reply

HERE = Path(__file__).parent
KINDS = {"page.html": "text/html", "page.css": "text/css", "page.js": "text/javascript"}
STEPS = ("hours", "days", "weeks")


class Steering(Processor):
    """processors: name → the sandbox and the address where it answers. moved: called after the clock was moved on.

    The clock is one for all. Nothing is kept here: every answer is asked of the processors.
    """

    name = "steering"
    title = "Sandbox processors"

    def __init__(
        self, clock: Clock, processors: dict[str, tuple[Processor, str]], moved: Callable[[], object] = lambda: None
    ) -> None:
        super().__init__(clock)
        self.processors = processors
        self.moved = moved

    def answer(self, request: Request) -> Reply:
        """As any processor's answer, but read by no other page than its own."""
        reply = super().answer(request)
        reply.headers |= {"access-control-allow-origin": request.base, "cache-control": "no-store"}
        return reply

    @route("GET", r"/(?P<file>page\.(?:css|js))?")
    def page(self, request: Request) -> Reply:
        file = request.args.get("file", "page.html")
        return Reply(200, (HERE / file).read_bytes(), f"{KINDS[file]}; charset=utf-8")

    @route("GET", r"/sandboxes")
    def listing(self, request: Request) -> Reply:
        rows = [
            {"name": name, "title": processor.title, "url": url} for name, (processor, url) in self.processors.items()
        ]
        return json_reply({"now": self.clock.now().isoformat(), "sandboxes": rows})

    @route("POST", r"/clock")
    def move_clock(self, request: Request) -> Reply:
        """Body: {"hours": 1}, or days, or weeks. Time does not go back."""
        asked = request.json()
        if not asked or any(step not in STEPS or not isinstance(n, int) or n < 1 for step, n in asked.items()):
            return json_reply({"error": "hours, days or weeks, a whole number of them"}, 400)
        self.clock.advance(**asked)
        self.moved()
        return json_reply({"now": self.clock.now().isoformat()})

    @route("GET", r"/sandboxes/(?P<of>\w+)/(?P<what>[\w/]+)")
    def look(self, request: Request) -> Reply:
        return self._asked(request)

    @route("POST", r"/sandboxes/(?P<of>\w+)/(?P<what>[\w/]+)")
    def have_done(self, request: Request) -> Reply:
        return self._asked(request)

    def _asked(self, request: Request) -> Reply:
        if request.args["of"] not in self.processors:
            return self.not_there(request)
        processor, _url = self.processors[request.args["of"]]
        return steer(processor, replace(request, path=STEER + request.args["what"]))
