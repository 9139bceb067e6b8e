"""Sessions: a random token in a cookie, its hash in a row, wall time, and an end."""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from sqlalchemy import Connection, delete, insert, select

from gateway.identity.adapters import tables


def password_of(connection: Connection, mail: str) -> tuple[UUID, str] | None:
    """Id and password hash of the member with this mail address who has joined."""
    member = tables.member
    row = connection.execute(
        select(member.c.member_id, member.c.password_hash).where(
            member.c.mail == mail.strip().lower(), member.c.state == "joined"
        )
    ).one_or_none()
    return (row.member_id, row.password_hash) if row is not None else None


def begin(connection: Connection, member_id: UUID, wall: datetime, hours: int) -> str:
    """A new session. Returns its token, which is kept nowhere."""
    token = secrets.token_urlsafe(32)
    connection.execute(
        insert(tables.session).values(
            token_sha256=sha256(token.encode()).hexdigest(),
            member_id=member_id,
            created_at=wall,
            expires_at=wall + timedelta(hours=hours),
        )
    )
    # Whoever signs in sweeps what is over: no timer is needed for rows that let nobody in.
    connection.execute(delete(tables.session).where(tables.session.c.expires_at < wall - timedelta(days=1)))
    return token


def end(connection: Connection, token: str) -> None:
    connection.execute(
        delete(tables.session).where(tables.session.c.token_sha256 == sha256(token.encode()).hexdigest())
    )
