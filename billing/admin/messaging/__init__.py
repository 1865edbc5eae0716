"""Messages to families: the log, sending again, what could not be delivered, and the words."""

from billing.admin.messaging import customer_panel as customer_panel
from billing.admin.messaging import deeds as deeds
from billing.admin.messaging import log as log
from billing.admin.messaging import undelivered as undelivered
from billing.admin.messaging import wordings as wordings
from billing.admin.messaging import words as words
