"""When commission that a provider owes is due, and how often it was reminded."""

from alembic import op

revision = "0057"
down_revision = "0056"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE commission_debt (
          clawback_id uuid PRIMARY KEY REFERENCES clawback,
          due_on date NOT NULL,
          reminders int NOT NULL CHECK (reminders BETWEEN 0 AND 3),
          reminded_on date,
          CHECK ((reminders = 0) = (reminded_on IS NULL))
        );
        CREATE INDEX commission_debt_by_age ON commission_debt (due_on, clawback_id);
    """)
