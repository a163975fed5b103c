-- Indexes that were made on the live view by hand: they stay as long as their columns exist.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_plan_index(index oid)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  live_schema CONSTANT text := quote_ident('${schema}');
BEGIN
  IF EXISTS (
    SELECT
    FROM pg_temp.wip_plan AS p
    JOIN pg_index AS i ON i.indrelid = p.built
    JOIN pg_class AS c ON c.oid = i.indexrelid
    WHERE c.relname = (SELECT made.relname FROM pg_class AS made WHERE made.oid = index)
  ) THEN
    RAISE EXCEPTION 'the view''s file has another index of this name'
      USING HINT = format('ALTER INDEX %s RENAME TO ...;', index::regclass);
  END IF;
  PERFORM "${schema}".wip_view_execute(
    "${schema}".wip_view_evaluate(format('pg_get_indexdef(%s, 0, true)', index), live_schema),
    format('%I, %s', 'wip_staging_${schema}', live_schema));
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_plan_index(oid) IS
  'Creates an index of the live view on the one that was built. Raises what prevents it.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_plan_indexes()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  made record;
  remedy text;
BEGIN
  FOR made IN
    SELECT i.indexrelid AS oid, i.indexrelid::regclass::text AS name
    FROM pg_temp.wip_plan AS p
    JOIN pg_index AS i ON i.indrelid = p.live
    LEFT JOIN "${schema}".wip_view AS v ON v.view_name = p.view_name
    WHERE "${schema}".wip_view_index_key(pg_get_indexdef(i.indexrelid)) NOT IN (
      -- the view's file makes the same index, or made it once and no longer does
      SELECT "${schema}".wip_view_index_key(pg_get_indexdef(j.indexrelid)) FROM pg_index AS j WHERE j.indrelid = p.built
      UNION ALL
      SELECT "${schema}".wip_view_index_key(l.line) FROM "${schema}".wip_view_index_lines(v.definition) AS l (line)
    )
    ORDER BY i.indexrelid
  LOOP
    INSERT INTO pg_temp.wip_plan_object (class, object, kind, name, fate)
    VALUES ('pg_class'::regclass, made.oid, 'index', made.name, 'undecided');
    BEGIN
      PERFORM "${schema}".wip_view_plan_index(made.oid);
      UPDATE pg_temp.wip_plan_object AS o SET fate = 'rebuilt' WHERE o.object = made.oid;
    EXCEPTION WHEN OTHERS THEN
      GET STACKED DIAGNOSTICS remedy = PG_EXCEPTION_HINT;
      UPDATE pg_temp.wip_plan_object AS o
      SET fate = 'refused',
          problem = format('index %s: %s (%s)', made.name, SQLERRM,
                           CASE WHEN remedy LIKE 'ALTER INDEX%' THEN remedy ELSE format('DROP INDEX %s;', made.name) END)
      WHERE o.object = made.oid;
    END;
  END LOOP;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_plan_indexes() IS
  'Plans the indexes that were made on the live view by hand.';
