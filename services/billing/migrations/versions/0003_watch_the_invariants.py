"""Watch the invariants."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    # Due at once; from then on it sets itself again (use_cases/ledger.py).
    op.execute("""
        INSERT INTO timer (id, kind, subject, due_at, headers)
        VALUES ('3f9c6a52-8a0e-5f0b-9d0f-6b1b7b0c5a01', 'watch_invariants', 'ledger', 'epoch', '{}')
    """)
