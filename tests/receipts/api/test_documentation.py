"""The examples of docs/developers/api.md, run in their order: each answer is what the page says."""

import json
import re
import shlex
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings

from billing.models import InsurancePolicy
from billing.office.models.policy import Scope
from receipts.api.words import STATUS_WORDS
from tests import agreements, builders
from tests.billing.api.caller import Caller
from tests.billing.insurance.cast import bill, insure
from tests.builders import NOW, TODAY, policy

PAGE = (Path(settings.BASE_DIR) / "docs/developers/api.md").read_text()
EXAMPLE = re.compile(r"```sh\n(?P<curl>.*?)```(?:\n\n(?:201 Created:\n\n)?```json\n(?P<answer>.*?)```)?", re.S)


@pytest.mark.django_db
def test_every_example_of_the_page_is_true() -> None:
    with time_machine.travel(NOW, tick=False):
        caller = Caller(builders.organization())
        ada = builders.customer(caller.organization, code="ADA")
        builders.invoice(ada, "120.00", number="INV-14")
        builders.invoice(ada, "80.00", number="INV-15", issued_on=TODAY, due_on=TODAY + timedelta(days=30))
        ben = builders.customer(caller.organization, "Ben Bitdiddle", code="BEN")
        policy(caller.organization, "payments.partial_allowed", False, scope=Scope.CUSTOMER, scope_key=ben.pk)
        anna = agreements.student(ada, code="S-1")
        agreements.lessons(ada, number="A-1", student=anna)
        examples = list(EXAMPLE.finditer(PAGE))
        assert len(examples) == PAGE.count("```sh") == 13
        for example in examples:
            if "policies/" in example["curl"] and not InsurancePolicy.objects.exists():
                john = builders.customer(caller.organization, "John Doe", code="JOHN")
                bill(insure(john, starts_on=date(2026, 3, 16), number="AGR-2026-00000001"), TODAY)
            got = run(caller, example["curl"])
            if example["answer"]:
                if "accounting" in example["answer"]:
                    builders.invoice(ben, "150.00")  # for the last example
                assert got.json() == json.loads(example["answer"]), example["curl"]
            else:
                assert got.status_code == 200


def run(caller: Caller, curl: str) -> Any:
    """What the command line would have sent."""
    words = shlex.split(curl.replace("\\\n", " "))
    options = {"-X": "GET", "-d": "", "-o": ""}
    headers = {"Host": "localhost:8000"}
    assert words.pop(0) == "curl"
    url = next(word for word in words if word.startswith("http://localhost:8000/"))
    for option, value in pairwise(words):
        if option == "-H":
            name, _colon, text = value.partition(": ")
            headers[name] = text.replace("$TOKEN", caller.token)
        elif option in options:
            options[option] = value
    path = url.removeprefix("http://localhost:8000")
    return caller.call(options["-X"], path, options["-d"].encode() or None, headers=headers)


def test_the_page_has_the_words_of_the_mapping() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (`[^|:]*`)", PAGE, re.M))
    for word in set(STATUS_WORDS.values()):
        states = {state for state, shown in STATUS_WORDS.items() if shown == word}
        assert set(re.findall(r"`(\w+)`", rows[word])) == states
