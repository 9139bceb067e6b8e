"""Check what is recent every quarter of an hour, and all of it once a day."""

from alembic import op

revision = "0054"
down_revision = "0053"


def upgrade() -> None:
    # Which transactions the log tells of since a time; it grows at its end only.
    op.execute("CREATE INDEX event_log_created ON event_log USING brin (created_at) WITH (pages_per_range = 32)")
    op.execute("CREATE INDEX invoice_copy_issued ON invoice_copy (issued_at)")
    # Due at once; from then on it sets itself again (use_cases/ledger.py).
    op.execute("""
        INSERT INTO timer (id, kind, subject, due_at, headers)
        VALUES ('3f9c6a52-8a0e-5f0b-9d0f-6b1b7b0c5a03', 'watch_all_invariants', 'ledger', 'epoch', '{}')
    """)
