-- What is ours, and what roles may do with it. The owner of the table wip_view owns all of it, and the refresh functions run
-- with the rights of that role: the keeper.

SELECT "${schema}".wip_view_snapshot_objects();

CREATE OR REPLACE FUNCTION "${schema}".wip_view_relations()
  RETURNS TABLE (relation oid, name text, owner oid, is_view boolean)
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT c.oid, quote_ident(c.relname), c.relowner, c.relkind = 'm'
  FROM pg_class AS c
  WHERE c.relnamespace = '"${schema}"'::regnamespace
    AND (
      c.relkind IN ('r', 'v') AND c.relname = ANY (string_to_array('${wipViewsRelations}', ', '))
      OR c.relkind = 'm' AND c.relname IN (SELECT v.view_name FROM "${schema}".wip_view AS v)
    );
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_relations() IS
  'The relations that a role may read: the tables and views of wip-views, and the registered views (is_view).';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_routines()
  RETURNS TABLE (routine oid, kind text, name text, signature text, owner oid, reads boolean, refreshes boolean, own_view text)
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT
    p.oid,
    CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END,
    p.proname::text,
    format('%I(%s)', p.proname, pg_get_function_identity_arguments(p.oid)),
    p.proowner,
    -- what doctor asks
    starts_with(p.proname, 'wip_view_find') OR p.proname IN (
      'wip_view_checks', 'wip_view_run_check', 'wip_view_sizes', 'wip_view_size_of', 'wip_view_source_tables',
      'wip_view_may_read', 'wip_view_keeper_of_dead_rows', 'wip_view_command', 'wip_view_duration_text',
      'wip_view_why_plain', 'wip_view_definition', 'wip_view_drift', 'wip_view_needs', 'wip_view_reads', 'wip_view_is_invokers',
      'wip_view_describe_changes', 'wip_view_changed_columns', 'wip_view_supporting_sources', 'wip_view_column_users',
      'wip_view_relations', 'wip_view_routines', 'wip_view_role_rights', 'wip_view_missing_ownership', 'wip_view_cron_jobs'),
    v.view_name IS NOT NULL OR p.proname IN (
      'wip_view_request', 'wip_view_request_all', 'wip_view_request_with_sources', 'wip_view_run', 'wip_view_try_run',
      'wip_view_fail', 'wip_view_changed', 'wip_view_note_source_state', 'refresh_wip_view', 'refresh_wip_view_if_changed',
      'refresh_all_wip_views', 'refresh_wip_views'),
    v.view_name
  FROM pg_proc AS p
  LEFT JOIN "${schema}".wip_view AS v
    ON p.pronargs = 0 AND p.proname = 'refresh_' || regexp_replace(v.view_name, '^mv_', '')
  WHERE p.pronamespace = '"${schema}"'::regnamespace;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_routines() IS
  'The routines of the schema: whether doctor calls them (reads), whether they refresh, and the one view that they refresh (own_view).';

SELECT "${schema}".wip_view_revoke_default_privileges();
