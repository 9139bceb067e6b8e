"""Offerings, their price lists, and what published ones are found by."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE offering (
          offering_id uuid PRIMARY KEY,
          provider_id uuid NOT NULL REFERENCES provider,
          number text NOT NULL UNIQUE,
          state text NOT NULL CHECK (state IN ('draft', 'in_review', 'published', 'hidden', 'retired')),
          hidden_by text NOT NULL CHECK (hidden_by IN ('', 'provider', 'operator', 'suspension')),
          reason text NOT NULL,
          content jsonb NOT NULL,
          prices jsonb NOT NULL,
          drafted_at timestamptz NOT NULL,
          version int NOT NULL,
          CHECK ((state = 'hidden') = (hidden_by <> ''))
        );
        CREATE INDEX offering_of_provider ON offering (provider_id, drafted_at, offering_id);
        CREATE INDEX offering_by_draft ON offering (drafted_at, offering_id);
        CREATE INDEX offering_in_review ON offering (drafted_at, offering_id) WHERE state = 'in_review';
        CREATE SEQUENCE number_of;

        -- What is found by its titles, and by everything. Apart from the offerings, and of published ones only, so
        -- that no statement can forget to ask for them; and in two tables, because ten thousand rows of what is found
        -- are counted, and those of the second are narrow: its long column is stored out of line.
        CREATE TABLE listing (
          offering_id uuid PRIMARY KEY REFERENCES offering,
          title_size int NOT NULL,
          title_tokens tsvector NOT NULL
        );
        CREATE INDEX listing_by_word ON listing USING gin (title_tokens);
        CREATE INDEX listing_in_order ON listing (title_size, offering_id);
        CREATE TABLE listing_text (
          offering_id uuid PRIMARY KEY REFERENCES listing ON DELETE CASCADE,
          title_size int NOT NULL,
          all_tokens tsvector NOT NULL
        );
        CREATE INDEX listing_text_by_word ON listing_text USING gin (all_tokens);
        CREATE INDEX listing_text_in_order ON listing_text (title_size, offering_id);
    """)
