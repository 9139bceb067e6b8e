"""What programmes are to have back has a least balance since 0050, so it stands in one row: what came before too."""

from alembic import op

revision = "0058"
down_revision = "0057"

MERGE = """
    WITH apart AS (
      DELETE FROM account_balance WHERE starts_with(account, 'L:voucher_clawback:') AND part <> 0
      RETURNING account, currency, posted_d, posted_c
    )
    INSERT INTO account_balance AS b (account, currency, part, posted_d, posted_c)
    SELECT account, currency, 0, sum(posted_d), sum(posted_c) FROM apart GROUP BY account, currency
    ON CONFLICT (account, currency, part) DO UPDATE
      SET posted_d = b.posted_d + EXCLUDED.posted_d, posted_c = b.posted_c + EXCLUDED.posted_c,
          version = b.version + 1
"""


def upgrade() -> None:
    op.execute(MERGE)
