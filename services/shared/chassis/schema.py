"""
The chassis's tables, in every service's database. Each service's first migration executes `V1`, later ones the rest.

Never edited once it has landed: a change is a `V3` that a later migration executes.
"""

V1 = """
-- Business time = wall time + offset; settable in demo and tests only.
CREATE TABLE clock (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  offset_s double precision NOT NULL DEFAULT 0
);
INSERT INTO clock DEFAULT VALUES;

-- Events of committed business changes, until the relay has numbered them.
CREATE TABLE outbox (
  id bigserial PRIMARY KEY,
  event_id uuid NOT NULL,
  type text NOT NULL,
  stream text NOT NULL,
  data text NOT NULL,
  headers jsonb NOT NULL
);

-- Every event of this source, numbered without gaps, chained by hash, kept for ever.
CREATE TABLE event_log (
  seq bigint NOT NULL,
  event_id uuid NOT NULL,
  type text NOT NULL,
  stream text NOT NULL,
  body bytea NOT NULL,
  body_sha256 bytea NOT NULL,
  hash bytea NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (seq)
) PARTITION BY RANGE (seq);
CREATE TABLE event_log_p0 PARTITION OF event_log FOR VALUES FROM (0) TO (10000000);
-- The relay asks for the next partition in good time; the run-time role owns nothing, hence SECURITY DEFINER.
CREATE FUNCTION ensure_event_log_partition(number bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public AS $$
BEGIN
  EXECUTE format(
    'CREATE TABLE IF NOT EXISTS event_log_p%s PARTITION OF event_log FOR VALUES FROM (%s) TO (%s)',
    number, number * 10000000, (number + 1) * 10000000);
END $$;
CREATE INDEX event_log_stream ON event_log (stream, seq);
CREATE TABLE relay (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  last_seq bigint NOT NULL DEFAULT 0,
  last_hash bytea NOT NULL DEFAULT '',
  published_seq bigint NOT NULL DEFAULT 0
);
INSERT INTO relay DEFAULT VALUES;

-- What other services told us. Its keys are kept for ever: they are what makes a second delivery harmless.
CREATE TABLE inbox (
  source text NOT NULL,
  seq bigint NOT NULL,
  event_id uuid,
  type text NOT NULL,
  stream text NOT NULL,
  body bytea NOT NULL,
  status text NOT NULL DEFAULT 'ready' CHECK (status IN ('ready', 'done', 'parked')),
  attempts int NOT NULL DEFAULT 0,
  next_attempt_at timestamptz,
  received_at timestamptz NOT NULL,
  done_at timestamptz,
  last_error text,
  PRIMARY KEY (source, seq)
);
CREATE INDEX inbox_ready ON inbox (source, seq) WHERE status = 'ready';
CREATE INDEX inbox_stream ON inbox (source, stream, seq) WHERE status <> 'done';
-- The few rows that hold their stream up: parked, or waiting for another try.
CREATE INDEX inbox_blocking ON inbox (source, stream, seq) WHERE status <> 'done' AND attempts > 0;
CREATE TABLE inbox_source (source text PRIMARY KEY, contiguous_seq bigint NOT NULL DEFAULT 0);

-- What never became an inbox row: dead-lettered by the broker, or from a sender it could not be from.
CREATE TABLE dead_letter (
  id uuid PRIMARY KEY,
  received_at timestamptz NOT NULL,
  reason text NOT NULL,
  exchange text NOT NULL,
  routing_key text NOT NULL,
  user_id text,
  headers jsonb NOT NULL,
  body bytea NOT NULL,
  body_size bigint NOT NULL
);

-- One row per idempotency key; the first answer is the answer.
CREATE TABLE command_log (
  organisation_id uuid NOT NULL,
  command text NOT NULL,
  key text NOT NULL,
  request_sha256 bytea NOT NULL,
  reply text,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (organisation_id, command, key)
);

-- What a transaction must not do itself: PDF, object store, mail, webhook, Stripe.
CREATE TABLE outside_call (
  id uuid PRIMARY KEY,
  kind text NOT NULL,
  key text NOT NULL UNIQUE,
  payload jsonb NOT NULL,
  status text NOT NULL DEFAULT 'ready' CHECK (status IN ('ready', 'sent', 'succeeded', 'failed', 'unknown')),
  attempts int NOT NULL DEFAULT 0,
  next_attempt_at timestamptz NOT NULL,
  outcome jsonb,
  last_error text,
  headers jsonb NOT NULL
);
CREATE INDEX outside_call_due ON outside_call (next_attempt_at, id) WHERE status IN ('ready', 'sent', 'unknown');

CREATE TABLE timer (
  id uuid PRIMARY KEY,
  kind text NOT NULL,
  subject text NOT NULL,
  due_at timestamptz NOT NULL,
  attempts int NOT NULL DEFAULT 0,
  headers jsonb NOT NULL,
  UNIQUE (kind, subject)
);
CREATE INDEX timer_due ON timer (due_at);

-- Readable numbers, PR-2026-000123, from the sequence number_<prefix>. The year is the business year; gaps may be.
CREATE FUNCTION next_number(prefix text, at timestamptz) RETURNS text LANGUAGE sql VOLATILE AS $$
  SELECT prefix || '-' || to_char(at AT TIME ZONE 'Asia/Shanghai', 'YYYY') || '-'
         || lpad(n, greatest(6, length(n)), '0')
  FROM (SELECT nextval(('number_' || lower(prefix))::regclass)::text AS n) AS taken $$;

-- What must never change cannot be changed, by the run-time role nor by mistake of the owner.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege'; END $$;
CREATE TRIGGER event_log_append_only BEFORE UPDATE OR DELETE ON event_log
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER event_log_no_truncate BEFORE TRUNCATE ON event_log
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

V2 = """
-- Handlers look up what is due and need only know which rows hold their stream up: inbox_blocking.
DROP INDEX inbox_stream;

-- Lock those of p_seqs (in order) that are ready and nobody else's, and mark them as done: the mark stands only if the
-- transaction does. A function keeps its plans, and planning this takes longer than doing it. BETWEEN says nothing new
-- to us; it leaves the planner no choice but the key, however young the table is when it plans.
CREATE FUNCTION take_from_inbox(p_source text, p_seqs bigint[], p_at timestamptz)
RETURNS TABLE (seq bigint, offset_s double precision) LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  mine bigint[];
BEGIN
  SELECT array_agg(held.seq) INTO mine FROM (
    SELECT i.seq FROM inbox i
    WHERE i.source = p_source AND i.seq BETWEEN p_seqs[1] AND p_seqs[cardinality(p_seqs)] AND i.seq = ANY(p_seqs)
      AND i.status = 'ready' AND (i.next_attempt_at IS NULL OR i.next_attempt_at <= p_at)
    FOR UPDATE SKIP LOCKED) AS held;
  UPDATE inbox i SET status = 'done', done_at = p_at, last_error = NULL
  WHERE i.source = p_source AND i.seq BETWEEN p_seqs[1] AND p_seqs[cardinality(p_seqs)] AND i.seq = ANY(mine);
  RETURN QUERY SELECT taken, c.offset_s FROM unnest(mine) AS taken, clock c;
END $$;

-- Take an idempotency key, and read the clock. Waits for another who has it and has not ended; not mine: he committed.
CREATE FUNCTION open_command(
  p_organisation_id uuid, p_command text, p_key text, p_request_sha256 bytea, p_at timestamptz,
  OUT offset_s double precision, OUT mine boolean) LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO command_log (organisation_id, command, key, request_sha256, created_at)
  VALUES (p_organisation_id, p_command, p_key, p_request_sha256, p_at) ON CONFLICT DO NOTHING;
  mine := FOUND;
  SELECT c.offset_s INTO offset_s FROM clock c;
END $$;

-- As before; in PL/pgSQL it is planned once and not for every number.
CREATE OR REPLACE FUNCTION next_number(prefix text, at timestamptz) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  n text := nextval(('number_' || lower(prefix))::regclass);
BEGIN
  RETURN prefix || '-' || to_char(at AT TIME ZONE 'Asia/Shanghai', 'YYYY') || '-'
         || lpad(n, greatest(6, length(n)), '0');
END $$;
"""


def only_append(table: str) -> str:
    """
    SQL that leaves the run-time role only reading *table* and adding to it.

    `migrate` names that role in the session setting `yiqi.run_time_role`.
    """
    return (
        "DO $$ BEGIN EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON "
        f"{table} FROM %I', current_setting('yiqi.run_time_role')); END $$;"
    )
