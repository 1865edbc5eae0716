"""A member of staff at the console, for tests through the door."""

import html
import re
from typing import Any

from django.test import Client

from billing.office.models import Organization, User
from tests import builders


class Desk:
    """Somebody signed in at the console. get and post give the answer; see gives its text."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.client = Client()
        self.client.force_login(user)

    def get(self, path: str, status: int = 200) -> Any:
        answer = self.client.get(f"/console/{path}")
        assert answer.status_code == status, (answer.status_code, answer.content.decode()[-2000:])
        return answer

    def see(self, path: str) -> str:
        return plain(self.get(path))

    def post(self, path: str, status: int = 302, **fields: Any) -> Any:
        answer = self.client.post(f"/console/{path}", fields)
        assert answer.status_code == status, (answer.status_code, plain(answer)[-3000:])
        return answer

    def follow(self, path: str, **fields: Any) -> str:
        """Post, follow the redirect, give the text of the page reached."""
        answer = self.client.get(self.post(path, **fields)["Location"])
        assert answer.status_code == 200
        return plain(answer)


def plain(answer: Any) -> str:
    """The page's main text without markup, with single spaces."""
    text = answer.content.decode()
    text = re.sub(r"(?s)<(script|style|head).*?</\1>", " ", text)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def desk(organization: Organization, *roles: str, name: str = "") -> Desk:
    return Desk(builders.user(organization, *roles, name=name))
