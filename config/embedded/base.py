"""Django's PostgreSQL backend, on a server that starts with the first connection."""

from typing import Any

from django.db.backends.postgresql import base

from config.embedded import server


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        server.ensure(self.settings_dict["EMBEDDED"])
        return super().get_new_connection(conn_params)
