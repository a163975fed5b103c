-- What the views need of the MES, for engine/preflight.sql, which runs next in the same transaction, and stops with one
-- message. Under a search_path of its own, as there.

DO $begin$
BEGIN
  PERFORM
    pg_catalog.set_config('wip_views.search_path', pg_catalog.current_setting('search_path'), true),
    pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
END
$begin$;

DO $mes$
DECLARE
  -- The columns that the views read; nothing else of the MES is touched.
  wanted CONSTANT jsonb := '{
    "lots": ["id", "lot_number", "product_model_id", "production_date", "status"],
    "processes": ["id", "process_number", "process_code", "process_name_en", "process_name_ko",
                  "estimated_duration_seconds", "is_active"],
    "wip_items": ["id", "lot_id", "serial_id", "status", "current_process_id", "created_at", "completed_at",
                  "converted_at"],
    "wip_process_history": ["id", "wip_item_id", "process_id", "result", "started_at", "completed_at",
                            "duration_seconds"]
  }';
  missing text[] := '{}';
  wanted_table text;
  wanted_columns jsonb;
  absent text;
BEGIN
  FOR wanted_table, wanted_columns IN
    SELECT w.key, w.value
    FROM jsonb_each(wanted) AS w
    -- without the schema, that is enough said
    WHERE to_regnamespace('"${schema}"') IS NOT NULL
    ORDER BY w.key
  LOOP
    IF to_regclass(format('%I.%I', '${schema}', wanted_table)) IS NULL THEN
      missing := missing || format('table %I.%I', '${schema}', wanted_table);
      CONTINUE;
    END IF;

    SELECT string_agg(c.name, ', ' ORDER BY c.position)
    INTO absent
    FROM jsonb_array_elements_text(wanted_columns) WITH ORDINALITY AS c (name, position)
    WHERE NOT EXISTS (
      SELECT
      FROM pg_attribute AS a
      WHERE a.attrelid = to_regclass(format('%I.%I', '${schema}', wanted_table))
        AND a.attname = c.name
        AND NOT a.attisdropped
    );

    IF absent IS NOT NULL THEN
      missing := missing || format('column(s) %s of table %I.%I', absent, '${schema}', wanted_table);
    ELSIF NOT has_table_privilege(format('%I.%I', '${schema}', wanted_table), 'SELECT') THEN
      missing := missing || format('the right to read table %I.%I (GRANT SELECT ON %1$I.%2$I TO %I)',
                                   '${schema}', wanted_table, current_user);
    END IF;
  END LOOP;

  PERFORM set_config('wip_views.preflight', jsonb_build_object(
    'missing', missing,
    'hint', (
      SELECT 'Where there is no MES, deploy the engine alone: wip-views update --only engine.'
      FROM jsonb_object_keys(wanted) AS w (name)
      HAVING count(to_regclass(format('%I.%I', '${schema}', w.name))) = 0),
    'own', jsonb_build_array(
      'wip_item_station', 'mv_wip_status_dashboard', 'mv_process_wip_queue', 'refresh_wip_status_dashboard',
      'refresh_process_wip_queue'),
    'parameters', jsonb_build_array(
      jsonb_build_array('stuckAfter', 'interval', $value$${stuckAfter}$value$),
      jsonb_build_array('bottleneckAbove', 'number', $value$${bottleneckAbove}$value$)))::text, true);
END
$mes$;

-- mes-indexes.changelog.yaml builds these CONCURRENTLY, which only the table's owner may do, and which a partitioned
-- table does not allow: building one with the MES locked out is for its owner to decide.
DO $indexes$
DECLARE
  noted CONSTANT jsonb := current_setting('wip_views.preflight');
  missing text[] := '{}';
  wanted_table text;
  wanted_column text;
  wanted_predicate text;
  wanted_index text;
  indexed record;
BEGIN
  FOR wanted_table, wanted_column, wanted_predicate IN
    SELECT e.element ->> 0, e.element ->> 1, e.element ->> 2
    FROM jsonb_array_elements('${mesIndexes}') AS e (element)
  LOOP
    wanted_index := format('(%I)%s', wanted_column, ' WHERE ' || wanted_predicate);
    SELECT c.relkind = 'p' AS partitioned, c.relowner::regrole AS owner
    INTO indexed
    FROM pg_class AS c
    WHERE c.oid = to_regclass(format('%I.%I', '${schema}', wanted_table))
      AND (c.relkind = 'p' OR NOT pg_has_role(c.relowner, 'USAGE'))
      AND NOT EXISTS (
        SELECT
        FROM pg_index AS i
        JOIN pg_class AS index ON index.oid = i.indexrelid
        JOIN pg_am AS m ON m.oid = index.relam AND m.amname = 'btree'
        JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        WHERE i.indrelid = c.oid
          AND i.indisvalid
          AND (i.indpred IS NULL OR replace(pg_get_expr(i.indpred, i.indrelid), '"', '') = '(' || wanted_predicate || ')')
          AND a.attname = wanted_column
      );
    IF FOUND AND indexed.partitioned THEN
      missing := missing || format('an index of the partitioned table %I.%I (CREATE INDEX ON %1$I.%2$I %s)',
                                   '${schema}', wanted_table, wanted_index);
    ELSIF FOUND THEN
      missing := missing || format(
        'an index of table %I.%I, which its owner may build (as %3$s: CREATE INDEX ON %1$I.%2$I %4$s; or GRANT %3$s TO %5$I)',
        '${schema}', wanted_table, indexed.owner, wanted_index, current_user);
    END IF;
  END LOOP;

  PERFORM
    set_config(
      'wip_views.preflight',
      jsonb_set(noted, ARRAY['missing'], noted -> 'missing' || to_jsonb(missing))::text,
      true),
    set_config('search_path', current_setting('wip_views.search_path'), true);
END
$indexes$;
