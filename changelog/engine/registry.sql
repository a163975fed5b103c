-- The tables: which views there are, what happened to them, who may refresh and read them, and what an operator may set.

SELECT "${schema}".wip_view_snapshot_objects();

DO $earlier$
DECLARE
  log_schema CONSTANT pg_catalog.text := '${database.liquibaseSchemaName}';
  log_table CONSTANT pg_catalog.text := pg_catalog.lower('${database.databaseChangeLogTableName}');
BEGIN
  IF "${schema}".wip_view_has_column('wip_view', 'last_started_no') THEN
    PERFORM "${schema}".wip_view_acquire_exclusive('change', 'wip_view');
    PERFORM "${schema}".wip_view_acquire_exclusive('change', 'wip_view_refresh');
    ALTER TABLE "${schema}".wip_view
      DROP COLUMN last_started_no, ADD COLUMN refresh_no bigint NOT NULL DEFAULT 0, ADD COLUMN last_relation oid;
    UPDATE "${schema}".wip_view AS v
    SET last_relation = pg_catalog.to_regclass('"${schema}".'::text || pg_catalog.quote_ident(v.view_name))::oid;
    ALTER TABLE "${schema}".wip_view_refresh ADD COLUMN served_from bigint, ADD COLUMN rows_as_of timestamptz;
    UPDATE "${schema}".wip_view_refresh AS r
    SET rows_as_of = r.started_at
    FROM "${schema}".wip_view AS v
    WHERE v.last_refresh_id = r.refresh_id;
  END IF;

  IF NOT "${schema}".wip_view_has_column('wip_view_settings', 'supporting_views') THEN
    PERFORM "${schema}".wip_view_acquire_exclusive('change', 'wip_view_settings');
    ALTER TABLE "${schema}".wip_view_settings ADD COLUMN supporting_views jsonb NOT NULL DEFAULT '{}';
  END IF;

  IF NOT "${schema}".wip_view_has_column('wip_view', 'version') THEN
    PERFORM "${schema}".wip_view_acquire_exclusive('change', 'wip_view');
    ALTER TABLE "${schema}".wip_view
      ADD COLUMN IF NOT EXISTS source_refresh_no jsonb NOT NULL DEFAULT '{}',
      ADD COLUMN IF NOT EXISTS former_names text[] NOT NULL DEFAULT '{}',
      ADD COLUMN IF NOT EXISTS changelog text,
      ADD COLUMN IF NOT EXISTS attributes text[],
      ADD COLUMN version text;
    -- an entry has the name of its view
    IF pg_catalog.to_regclass(pg_catalog.format('%I.%I', log_schema, log_table)) IS NOT NULL THEN
      EXECUTE pg_catalog.format(
        'UPDATE "${schema}".wip_view AS v SET changelog = (SELECT min(l.filename) FROM %I.%I AS l WHERE l.id = v.view_name HAVING count(*) = 1)'
        ' WHERE v.changelog IS NULL',
        log_schema, log_table);
    END IF;
  END IF;

  IF NOT "${schema}".wip_view_has_column('wip_view', 'frozen_at') THEN
    PERFORM "${schema}".wip_view_acquire_exclusive('change', 'wip_view');
    PERFORM "${schema}".wip_view_acquire_exclusive('change', 'wip_view_settings');
    PERFORM "${schema}".wip_view_acquire_exclusive('change', 'wip_view_refresh');
    ALTER TABLE "${schema}".wip_view
      ADD COLUMN source_columns jsonb, ADD COLUMN frozen_at timestamptz, ADD COLUMN frozen_attributes text[];
    ALTER TABLE "${schema}".wip_view_settings ADD COLUMN supporting_columns jsonb NOT NULL DEFAULT '{}';
    ALTER TABLE "${schema}".wip_view_refresh
      DROP CONSTRAINT IF EXISTS wip_view_refresh_outcome_check,
      ADD CONSTRAINT wip_view_refresh_outcome_check
        CHECK (outcome IN ('running', 'refreshed', 'coalesced', 'failed', 'frozen'));
  END IF;

  IF NOT "${schema}".wip_view_has_column('wip_view', 'previous_definitions') THEN
    PERFORM "${schema}".wip_view_acquire_exclusive('change', 'wip_view');
    ALTER TABLE "${schema}".wip_view
      ADD COLUMN previous_definitions jsonb NOT NULL DEFAULT '[]',
      ADD COLUMN undone_definition jsonb;
  END IF;

  IF EXISTS (
    SELECT
    FROM pg_catalog.pg_class AS c
    WHERE c.oid = pg_catalog.to_regclass('"${schema}".wip_view')::oid
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'source_state')
  ) THEN
    PERFORM "${schema}".wip_view_acquire_exclusive('change', 'wip_view');
    ALTER TABLE "${schema}".wip_view ADD COLUMN source_state text;
  END IF;
END
$earlier$;

-- ---------------------------------------------------------------------------------------------------------------
-- wip_view: the registry
-- ---------------------------------------------------------------------------------------------------------------

CREATE TABLE IF NOT EXISTS "${schema}".wip_view (
  view_name text PRIMARY KEY,
  refresh_order integer NOT NULL,
  freshness_target interval NOT NULL CHECK (freshness_target > interval '0'),
  deployed_target interval,
  definition text NOT NULL,
  last_refresh_id bigint,
  refresh_no bigint NOT NULL DEFAULT 0,
  last_relation oid,
  source_refresh_no jsonb NOT NULL DEFAULT '{}',
  former_names text[] NOT NULL DEFAULT '{}',
  changelog text,
  attributes text[],
  version text,
  source_columns jsonb,
  frozen_at timestamptz,
  frozen_attributes text[],
  previous_definitions jsonb NOT NULL DEFAULT '[]',
  undone_definition jsonb,
  source_state text
);

COMMENT ON TABLE "${schema}".wip_view IS 'The registry: a row per materialized view that wip-views keeps. Rows come and go with the view''s changelog entry.';
COMMENT ON COLUMN "${schema}".wip_view.view_name IS 'Name of the materialized view, in the schema of this table.';
COMMENT ON COLUMN "${schema}".wip_view.refresh_order IS 'Place in refresh_all_wip_views() and CALL refresh_wip_views(): lower goes first, but after the registered views that it reads; see wip_view_order.';
COMMENT ON COLUMN "${schema}".wip_view.freshness_target IS 'A view older than this is stale in wip_view_freshness. An operator may UPDATE it; a deploy changes it only if the changelog''s own target has changed.';
COMMENT ON COLUMN "${schema}".wip_view.deployed_target IS 'The target in the changelog when the view was last deployed.';
COMMENT ON COLUMN "${schema}".wip_view.definition IS 'The view''s query and indexes as the server printed them when it was deployed; wip_view_drift() compares them.';
COMMENT ON COLUMN "${schema}".wip_view.last_refresh_id IS 'The refresh in wip_view_refresh whose rows the view holds; null before the first.';
COMMENT ON COLUMN "${schema}".wip_view.last_relation IS 'The materialized view, by its oid, that this refresh filled: another one of the same name, made or renamed by hand since, has rows that nobody knows the age of.';
COMMENT ON COLUMN "${schema}".wip_view.refresh_no IS 'How many refreshes of the view have started, without those that failed: a request is served by the first one that counts itself after it was made. It matters only while callers wait; it may be set to any value between calls.';
COMMENT ON COLUMN "${schema}".wip_view.source_refresh_no IS 'For each registered view that it reads, the refresh_no of the refresh of that one whose rows it shows, or newer ones: a caller that asked for both is served by it only if that one started after the call.';
COMMENT ON COLUMN "${schema}".wip_view.former_names IS 'Its names before wip_view_rename(): a request for a refresh by one of these names still works, and so does a LISTEN, until another view takes the name.';
COMMENT ON COLUMN "${schema}".wip_view.changelog IS 'The changelog that keeps the view: what its entry names in wip_view_stage(), else the file by which Liquibase knows the entry. Another one that claims the name is refused. Null for a view that no changelog keeps.';
COMMENT ON COLUMN "${schema}".wip_view.attributes IS 'The statements that gave the view its indexes, owner, comments, settings and grants, as of the last deploy. A view that is gone gets them back when it is deployed or recreated.';
COMMENT ON COLUMN "${schema}".wip_view.version IS 'The version that its entry gave to wip_view_promote() when the view was deployed. A deploy with a lower version, or none, leaves the view as it is. Null where the entry gives none.';
COMMENT ON COLUMN "${schema}".wip_view.source_columns IS 'The columns that the view''s query read when it was deployed, with their types: wip_view_changed_columns() compares them with today''s.';
COMMENT ON COLUMN "${schema}".wip_view.frozen_at IS 'When wip_view_freeze() froze the view, for one that is in wip_view_frozen.';
COMMENT ON COLUMN "${schema}".wip_view.frozen_attributes IS 'The comments and settings in the view''s file, if it was deployed while the view was frozen: wip_view_thaw() applies them. Otherwise null.';
COMMENT ON COLUMN "${schema}".wip_view.previous_definitions IS 'The last five definitions that promotions replaced, the latest first: definition and attributes as in the columns of these names, view (its name then), version, and until when it was in place (replaced_at). wip_view_recreate_previous() brings back the first.';
COMMENT ON COLUMN "${schema}".wip_view.undone_definition IS 'While an earlier definition is in place, brought back by wip_view_recreate_previous(): the one that was deployed, as in previous_definitions. wip_view_recreate() brings that back. Otherwise null.';
COMMENT ON COLUMN "${schema}".wip_view.source_state IS 'What wip_view_changed() compares: the digest of all that the view reads, taken before the last refresh of refresh_wip_view_if_changed(). Null before the first one.';

-- ---------------------------------------------------------------------------------------------------------------
-- wip_view_refresh: the history
-- ---------------------------------------------------------------------------------------------------------------

CREATE TABLE IF NOT EXISTS "${schema}".wip_view_refresh (
  refresh_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  view_name text NOT NULL,
  outcome text NOT NULL DEFAULT 'running' CHECK (outcome IN ('running', 'refreshed', 'coalesced', 'failed', 'frozen')),
  mode text CHECK (mode IN ('concurrent', 'plain', 'rebuild')),
  mode_reason text,
  requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  started_at timestamptz,
  finished_at timestamptz,
  duration interval GENERATED ALWAYS AS (finished_at - started_at) STORED,
  rows bigint,
  bytes bigint,
  served_by bigint,
  sqlstate text,
  error text,
  role text NOT NULL DEFAULT session_user,
  application_name text NOT NULL DEFAULT current_setting('application_name'),
  call_id bigint,
  pid integer NOT NULL DEFAULT pg_backend_pid(),
  served_from bigint,
  rows_as_of timestamptz
);

-- IF NOT EXISTS would lock the history before it looks, and wait for each refresh that has not committed yet.
DO $indexes$
BEGIN
  -- The latest attempts of one view.
  IF pg_catalog.to_regclass('"${schema}".wip_view_refresh_view_name_idx') IS NULL THEN
    CREATE INDEX wip_view_refresh_view_name_idx ON "${schema}".wip_view_refresh (view_name, refresh_id);
  END IF;

  -- Nearly always empty: attempts that died are found without reading the history.
  IF pg_catalog.to_regclass('"${schema}".wip_view_refresh_running_idx') IS NULL THEN
    CREATE INDEX wip_view_refresh_running_idx ON "${schema}".wip_view_refresh (view_name) WHERE outcome = 'running';
  END IF;

  -- The attempts of one call.
  IF pg_catalog.to_regclass('"${schema}".wip_view_refresh_call_id_idx') IS NULL THEN
    CREATE INDEX wip_view_refresh_call_id_idx ON "${schema}".wip_view_refresh (call_id) WHERE call_id IS NOT NULL;
  END IF;
END
$indexes$;

COMMENT ON TABLE "${schema}".wip_view_refresh IS 'The history: a row per attempt to refresh a view, kept for wip_view_settings.history_retention. The refresh functions return these rows.';
COMMENT ON COLUMN "${schema}".wip_view_refresh.refresh_id IS 'Number drawn when the refresh was asked for. It is the order of the requests, whatever the clock says.';
COMMENT ON COLUMN "${schema}".wip_view_refresh.view_name IS 'The view, as registered in wip_view.';
COMMENT ON COLUMN "${schema}".wip_view_refresh.outcome IS 'refreshed: this attempt refreshed the view; coalesced: another one, started after this one was asked for, did (served_by); frozen: nothing was done, because the view is frozen; failed: see sqlstate and error; running: not ended yet, maybe still waiting for its turn, or for the other views of its call; or its session died before the end (wip_view_history and wip_view_freshness show which).';
COMMENT ON COLUMN "${schema}".wip_view_refresh.mode IS 'concurrent: REFRESH MATERIALIZED VIEW CONCURRENTLY, readers go on; plain: without CONCURRENTLY, readers wait; rebuild: built by a deploy or a recovery.';
COMMENT ON COLUMN "${schema}".wip_view_refresh.mode_reason IS 'Why the mode was plain.';
COMMENT ON COLUMN "${schema}".wip_view_refresh.requested_at IS 'When the call began that asked for the refresh.';
COMMENT ON COLUMN "${schema}".wip_view_refresh.started_at IS 'When its turn had come and it began to read; under REPEATABLE READ or SERIALIZABLE, when the transaction began. The rows are at least as new as this. Null when coalesced.';
COMMENT ON COLUMN "${schema}".wip_view_refresh.finished_at IS 'When it ended.';
COMMENT ON COLUMN "${schema}".wip_view_refresh.duration IS 'finished_at minus started_at: the work itself, without waiting for a turn; under REPEATABLE READ or SERIALIZABLE all of the transaction so far. Null when coalesced.';
COMMENT ON COLUMN "${schema}".wip_view_refresh.rows IS 'Rows in the view afterwards.';
COMMENT ON COLUMN "${schema}".wip_view_refresh.bytes IS 'Size of the view on disk afterwards, with its indexes.';
COMMENT ON COLUMN "${schema}".wip_view_refresh.served_by IS 'refresh_id of the refresh that served a coalesced request.';
COMMENT ON COLUMN "${schema}".wip_view_refresh.sqlstate IS 'SQLSTATE of the error of a failed attempt.';
COMMENT ON COLUMN "${schema}".wip_view_refresh.error IS 'Message of the error of a failed attempt.';
COMMENT ON COLUMN "${schema}".wip_view_refresh.role IS 'Role that had logged in.';
COMMENT ON COLUMN "${schema}".wip_view_refresh.application_name IS 'The caller''s application_name.';
COMMENT ON COLUMN "${schema}".wip_view_refresh.call_id IS 'Where one call refreshes several views: refresh_id of its first attempt. Null for that first attempt, and for a call for one view.';
COMMENT ON COLUMN "${schema}".wip_view_refresh.pid IS 'Process of the server that took the request, as in pg_stat_activity and in the server''s log.';
COMMENT ON COLUMN "${schema}".wip_view_refresh.served_from IS 'The wip_view.refresh_no of the first refresh that may serve the request: it starts after the request was made. Null where none may.';
COMMENT ON COLUMN "${schema}".wip_view_refresh.rows_as_of IS 'The rows of the view are at least as new as this: started_at, or earlier, where the view reads other registered views whose rows are older. Null when coalesced, and where the age of those is not known.';

-- ---------------------------------------------------------------------------------------------------------------
-- wip_view_role: who may refresh and read
-- ---------------------------------------------------------------------------------------------------------------

CREATE TABLE IF NOT EXISTS "${schema}".wip_view_role (
  role text,
  may_refresh boolean,
  PRIMARY KEY (role, may_refresh)
);

COMMENT ON TABLE "${schema}".wip_view_role IS 'The roles that each deploy gives rights to (wip_view_rights): a row per role and parameter that names it. A role that is deleted here keeps what it has until it is revoked.';
COMMENT ON COLUMN "${schema}".wip_view_role.role IS 'The role, which may have been dropped since.';
COMMENT ON COLUMN "${schema}".wip_view_role.may_refresh IS 'true: of the changelog parameter refresherRole, may refresh and read; false: of readerRole, may read.';

-- These columns are of an earlier version; former-functions.sql drops them once nothing reads them.
DO $roles$
BEGIN
  IF "${schema}".wip_view_has_column('wip_view_settings', 'reader_role') THEN
    INSERT INTO "${schema}".wip_view_role (role, may_refresh)
    SELECT DISTINCT pg_catalog.btrim(named.role), named.may_refresh
    FROM "${schema}".wip_view_settings AS s
    CROSS JOIN LATERAL (
      SELECT pg_catalog.regexp_split_to_table(s.refresher_role, ','::text), true
      UNION ALL
      SELECT pg_catalog.regexp_split_to_table(s.reader_role, ','::text), false
    ) AS named (role, may_refresh)
    WHERE pg_catalog.btrim(named.role) <> ''::text
    ON CONFLICT DO NOTHING;
  END IF;
END
$roles$;

-- ---------------------------------------------------------------------------------------------------------------
-- wip_view_settings: what an operator may set
-- ---------------------------------------------------------------------------------------------------------------

CREATE TABLE IF NOT EXISTS "${schema}".wip_view_settings (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  history_retention interval NOT NULL DEFAULT interval '14 days' CHECK (history_retention > interval '0'),
  supporting_views jsonb NOT NULL DEFAULT '{}',
  supporting_columns jsonb NOT NULL DEFAULT '{}'
);

INSERT INTO "${schema}".wip_view_settings DEFAULT VALUES ON CONFLICT DO NOTHING;

COMMENT ON TABLE "${schema}".wip_view_settings IS 'One row: the changelog parameters of the last deploy that gave them. Thresholds may also be set by UPDATE; the next refresh uses them.';
COMMENT ON COLUMN "${schema}".wip_view_settings.only_row IS 'Always true: there is one row.';
COMMENT ON COLUMN "${schema}".wip_view_settings.history_retention IS 'wip_view_refresh keeps an attempt for this long.';
COMMENT ON COLUMN "${schema}".wip_view_settings.supporting_views IS 'Ordinary views of this schema that registered views read, and that come with a changelog, each with its query as the server printed it when it was deployed: a deploy lets the owner of a registered view read them, and wip_view_drift() compares them.';
COMMENT ON COLUMN "${schema}".wip_view_settings.supporting_columns IS 'Of each of these, the columns that its query read when it was deployed, as wip_view.source_columns has them.';

SELECT "${schema}".wip_view_revoke_default_privileges();
