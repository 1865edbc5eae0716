"""Expected cash by week (R162)."""

from billing.admin.forecasting import forecast_page as forecast_page
