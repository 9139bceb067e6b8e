"""Let the end of the closed months only move on, to the end of a month that is closed."""

from alembic import op

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    op.execute("""
        CREATE FUNCTION closed_months_only_grow() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF TG_OP <> 'UPDATE' OR NEW.until <= OLD.until
             OR NOT EXISTS (SELECT FROM ledger_period WHERE until = NEW.until) THEN
            RAISE EXCEPTION 'a closed month is not opened again' USING ERRCODE = 'check_violation';
          END IF;
          RETURN NEW;
        END $$;
        CREATE TRIGGER ledger_closed_only_grows BEFORE INSERT OR UPDATE OR DELETE ON ledger_closed
          FOR EACH ROW EXECUTE FUNCTION closed_months_only_grow();
        CREATE TRIGGER ledger_closed_no_truncate BEFORE TRUNCATE ON ledger_closed
          FOR EACH STATEMENT EXECUTE FUNCTION closed_months_only_grow();
    """)
