"""Loading the demo: an organization is there whole or not at all, and never twice."""

import os
from datetime import datetime, timedelta
from random import Random

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import override

from billing.office.acting import acting
from billing.office.models import Organization, User
from billing.office.notices import send_due_notices
from billing.office.papers.errors import PdfUnavailable
from config.demo.bank import bring_statement
from config.demo.cast import (
    AGENT,
    ALLEGRO,
    FAMILY,
    HOUSES,
    PARENT,
    PASSWORD,
    PLATFORM_ADMIN,
    SURAKSHA,
    TEACHER,
    House,
)
from config.demo.episodes import EPISODES, plan_episodes
from config.demo.episodes_counter import EPISODES as COUNTER_EPISODES
from config.demo.family import bring_family
from config.demo.founding import found_organization, gather_customers, hire
from config.demo.online import answers, pay_online
from config.demo.progress import Progress, Stream
from config.demo.story import DAYS, Story
from receipts.models import Receipt
from receipts.models.receipt import Delivery
from receipts.services.papers import hand_out

PRINTED = 2
STATISTICS_AFTER = 45  # days: with the tables still empty, plans would scan them for every foreign key


def load(now: datetime, stream: Stream) -> list[str]:
    """Make the demo organizations that are missing, their half year ending `now`. Returns the codes made."""
    there = set(Organization.objects.values_list("code", flat=True))
    missing = [house for house in HOUSES if house.code not in there]
    if not missing:
        return []
    progress = Progress(stream, len(missing) * (DAYS + 1))
    for house in missing:
        with override(house.languages[0]):  # what its people would read and write
            with transaction.atomic():
                _load_house(house, now, progress)
                if house is ALLEGRO:
                    bring_family(now)
            _hand_out_papers(house, now)
            send_due_notices(now - timedelta(days=1))
    if ALLEGRO in missing and answers():
        pay_online(now)
    for house in missing:
        with override(house.languages[0]):
            bring_statement(house, now)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    progress.end(f"Demo: {', '.join(house.name for house in missing)} {'is' if len(missing) == 1 else 'are'} open")
    return [house.code for house in missing]


def _hand_out_papers(house: House, now: datetime) -> None:
    """Print the newest receipts asked for on paper, the first of them twice, so that there is a duplicate."""
    clerk = User.objects.get(username=house.staff[0][0])
    wanted = Receipt.objects.filter(organization__code=house.code, delivery=Delivery.PRINT).order_by("-id")[:PRINTED]
    printed = list(wanted)
    with acting(clerk, "demo"):
        try:
            for receipt in [*printed, printed[0]]:
                hand_out(receipt, how="print", now=now, by=clerk)
        except PdfUnavailable:
            return  # the console says so where it matters


def write_logins() -> None:
    """Who may log in, into VAR_DIR/demo-logins.txt, for its owner's eyes."""
    lines = [f"Demo logins, all with the password  {PASSWORD}", ""]
    for house in HOUSES:
        lines.append(f"  {house.name}")
        lines += [f"    {user:<20} {role.replace('_', ' ')}" for user, _name, role in house.staff]
    lines += ["  Everywhere", f"    {PLATFORM_ADMIN[0]:<20} platform admin", f"    {PARENT[0]:<20} parent"]
    lines += [f"    {FAMILY[0]:<20} parent of three children at three schools"]
    lines += [f"    {TEACHER[0]:<20} teacher of {ALLEGRO.name}", f"    {AGENT[0]:<20} agent of {SURAKSHA.name}", ""]
    path = settings.VAR_DIR / "demo-logins.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write("\n".join(lines))
    path.chmod(0o600)


def _load_house(house: House, now: datetime, progress: Progress) -> None:
    random = Random(house.seed)
    began = now - timedelta(days=DAYS + 1)
    organization = found_organization(house, began)
    staff = hire(house, organization)
    story = Story(house, organization, staff, gather_customers(house, organization, random), now, random)
    plan_episodes(story, (*EPISODES, *COUNTER_EPISODES))
    for lived in range(DAYS + 1):
        story.live_day()
        if lived == STATISTICS_AFTER:
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE")
        progress.step(f"{house.name}, {story.day - timedelta(days=1)}")
