"""The demo's invitation can be followed from the outbox."""

from urllib.parse import urlsplit

import pytest
from django.db import transaction
from django.test import Client

from billing.office import clock
from billing.office.models import Notice
from config.demo.cast import ALLEGRO, FAMILY, INVITED
from config.demo.family import _invite_other_parent
from tests import builders
from tests.billing.pages.accounts.cast import plain, staff


@pytest.mark.django_db
def test_the_other_parent_is_invited_and_the_mail_waits() -> None:
    school = builders.organization(ALLEGRO.code)
    builders.customer(school, FAMILY[1], code="F00001")
    staff(school, "clerk", ALLEGRO.staff[0][0])
    with transaction.atomic():
        _invite_other_parent(clock.now())
    notice = Notice.objects.get(kind="invitation")
    assert (notice.recipient, notice.state) == (INVITED, "queued") and "{link}" in notice.body
    assert FAMILY[1] in plain(Client().get(urlsplit(notice.link).path))
