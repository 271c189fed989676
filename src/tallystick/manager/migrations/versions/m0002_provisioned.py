"""The devices that a factory provisioned."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tallystick.manager.db.base import Moment

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Go to this version."""
    op.create_table(
        "provisioned",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("serial", sa.String(length=128), nullable=False),
        sa.Column("device_key", sa.String(length=130), nullable=False),
        sa.Column("issuer_key", sa.String(length=130), nullable=False),
        sa.Column("reserved", Moment(), nullable=False),
        sa.Column("confirmed", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provisioned")),
        sa.UniqueConstraint("device_key", name=op.f("uq_provisioned_device_key")),
        sa.UniqueConstraint("serial", name=op.f("uq_provisioned_serial")),
    )
