"""Work screens of chasing: timelines, debt plans, collections."""

from billing.admin.chasing import collection_deeds as collection_deeds
from billing.admin.chasing import collection_pages as collection_pages
from billing.admin.chasing import customer_panel as customer_panel
from billing.admin.chasing import debt_plan_pages as debt_plan_pages
from billing.admin.chasing import plan_request_pages as plan_request_pages
from billing.admin.chasing import registrations as registrations
from billing.admin.chasing import timeline_deeds as timeline_deeds
from billing.admin.chasing import timeline_pages as timeline_pages
