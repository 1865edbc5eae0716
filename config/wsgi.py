"""The web process. It alone bounds every SQL statement: a page that takes 30 seconds is already lost."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("STATEMENT_TIMEOUT", "30s")

application = get_wsgi_application()
