"""The sandbox account as a whole."""

from typing import ClassVar

from tests.sandbox.paysafe.batch import Batch
from tests.sandbox.paysafe.browser import Browser
from tests.sandbox.paysafe.legacy import Legacy
from tests.sandbox.paysafe.queries import Queries


class Paysafe(Legacy, Queries, Batch, Browser):
    name: ClassVar[str] = "paysafe"
    title: ClassVar[str] = "Paysafe"
