"""Insurance policies and their loans."""

from billing.admin.insurance import deeds as deeds
from billing.admin.insurance import loan_deeds as loan_deeds
from billing.admin.insurance import panel as panel
