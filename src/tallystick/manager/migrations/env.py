"""What Alembic runs: the migrations, on the connection that `manager.db.engine.migrate` opened and locked."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from tallystick.errors import LocalProtocolError
from tallystick.manager.db import model, provisioned, record
from tallystick.manager.db.base import Base

#: all tables are known to the metadata once they are imported
_TABLES = (model, provisioned, record)


def _run() -> None:
    connection = context.config.attributes.get("connection")
    if not isinstance(connection, Connection):
        raise LocalProtocolError("migrations run by `tally manager migrate` only")
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


_run()
