"""Screens of teachers and agents: who they are, what they earned, payouts."""

from billing.admin.earning import payout_deeds as payout_deeds
from billing.admin.earning import payout_pages as payout_pages
from billing.admin.earning import provider_page as provider_page
from billing.admin.earning import registrations as registrations
