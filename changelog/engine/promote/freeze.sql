-- Freeze and thaw: how views get out of the way of a migration of the tables that they read.
--
-- PostgreSQL refuses to retype or drop a column that a view reads. A frozen view reads a copy of its rows. It is promoted like
-- any other, so that its readers, grants, indexes and dependants notice nothing. The registry keeps the definition that was
-- deployed, and a thaw promotes that.
--
-- The copy is a table, and stays while the view is frozen: pg_restore fills a materialized view by REFRESH, which has
-- nothing else to read.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_make_copy(relation regclass, view_name text)
  RETURNS regclass
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  copy_name CONSTANT text := format('%I.%I', '${schema}', 'wip_view_copy_' || relation::oid);
BEGIN
  EXECUTE format('CREATE TABLE %s AS SELECT * FROM %s', copy_name, relation);
  PERFORM "${schema}".wip_view_revoke_from_others(ARRAY[to_regclass(copy_name)::oid]);
  EXECUTE format('COMMENT ON TABLE %s IS %L', copy_name, format('The rows of %s while it is frozen; a thaw drops it.', view_name));
  EXECUTE format('ANALYZE %s', copy_name);
  RETURN to_regclass(copy_name);
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_make_copy(regclass, text) IS
  'Makes the table that a frozen view reads, with the rows that the view has.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_drop_copies()
  RETURNS void
  LANGUAGE sql
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT "${schema}".wip_view_drop_unused('${schema}', '^wip_view_copy_[0-9]+$');
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_drop_copies() IS
  'Drops the copies that no frozen view reads any more.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_begin_freeze(view_name text)
  RETURNS boolean
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  relation regclass;
BEGIN
  IF (SELECT s.supporting_views ? view_name FROM "${schema}".wip_view_settings AS s) THEN
    PERFORM "${schema}".wip_view_freeze_supporting(view_name);
    RETURN false;
  END IF;
  PERFORM "${schema}".wip_view_check_registered(view_name);
  PERFORM "${schema}".wip_view_acquire_turn('freeze ' || view_name, view_name);
  IF "${schema}".wip_view_is_frozen(view_name) THEN
    RAISE NOTICE '% is frozen already', view_name;
    RETURN false;
  END IF;
  relation := "${schema}".wip_view_relation(view_name);
  IF "${schema}".wip_view_why_plain(relation) IS NOT NULL THEN
    RAISE EXCEPTION 'cannot freeze %: %', view_name, "${schema}".wip_view_why_plain(relation)
      USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = 'Recreate it first: ' || "${schema}".wip_view_command('recreate', view_name);
  END IF;
  PERFORM "${schema}".wip_view_note_source_columns();
  PERFORM "${schema}".wip_view_stop_refresh('freeze ' || view_name, relation);
  PERFORM "${schema}".wip_view_make_copy(relation, view_name);
  RETURN true;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_begin_freeze(text) IS
  'Keeps a view from being refreshed and copies its rows: true; false where there is nothing left to do.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_end_freeze(view_name text)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  staged_name CONSTANT text := format('%I.%I', 'wip_staging_${schema}', view_name);
  relation CONSTANT oid := "${schema}".wip_view_relation(view_name);
  statement text;
BEGIN
  EXECUTE format('CREATE MATERIALIZED VIEW %s AS SELECT * FROM %I.%I WITH NO DATA', staged_name, '${schema}', 'wip_view_copy_' || relation);
  FOR statement IN SELECT i.* FROM "${schema}".wip_view_index_statements(relation, staged_name) AS i LOOP
    EXECUTE statement;
  END LOOP;

  PERFORM "${schema}".wip_view_plan_begin(view_name);
  PERFORM "${schema}".wip_view_put_in_place(view_name);
  UPDATE "${schema}".wip_view AS v
  SET frozen_at = clock_timestamp(),
      last_relation = CASE v.last_relation WHEN relation THEN to_regclass(p.live_name) END
  FROM pg_temp.wip_plan AS p
  WHERE v.view_name = p.view_name;
  -- it was filled, and its rows are as old as they were
  UPDATE pg_temp.wip_plan_object AS o SET started_at = NULL WHERE o.fate = 'promoted';
  PERFORM "${schema}".wip_view_record_rebuilds();
  PERFORM "${schema}".wip_view_record_attributes(view_name);
  RAISE NOTICE '% is frozen', view_name;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_end_freeze(text) IS
  'Puts a view over the copy in place of the live one.';

-- There is no SET clause, with which the path that wip_view_stage() sets would end.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_freeze(view_name text)
  RETURNS void
  LANGUAGE plpgsql
AS $function$
BEGIN
  IF "${schema}".wip_view_begin_freeze(view_name) THEN
    PERFORM "${schema}".wip_view_stage(view_name);
    PERFORM "${schema}".wip_view_end_freeze(view_name);
    PERFORM "${schema}".wip_view_leave_staging();
  END IF;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_freeze(text) IS
  'Freezes a registered view, or an ordinary one that registered views read (wip_view_settings.supporting_views): it keeps its rows, indexes, grants and dependants, and reads nothing of its tables any more, so that these can be migrated. Readers wait for milliseconds. A refresh does nothing, and says frozen, until wip_view_thaw(). wip_view_freezable() has the names in order; wip_view_column_users() has what else PostgreSQL will refuse a migration for.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_freezable(views text[] DEFAULT NULL)
  RETURNS SETOF text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  WITH listed AS (
    -- those that read others first, so that no freeze rebuilds one
    SELECT o.view_name, -o.position AS place
    FROM "${schema}".wip_view_order AS o
    WHERE o.view_name = ANY (views) OR views IS NULL
    UNION ALL
    SELECT support.name, 0
    FROM "${schema}".wip_view_settings AS s
    CROSS JOIN LATERAL jsonb_object_keys(s.supporting_views) AS support (name)
    -- whose readers are frozen by then, all of them, and one of them now
    WHERE (
      SELECT coalesce(bool_and(v.view_name = ANY (views) OR "${schema}".wip_view_is_frozen(v.view_name)), true)
        AND coalesce(bool_or(v.view_name = ANY (views)), false)
      FROM "${schema}".wip_view AS v
      WHERE support.name IN (SELECT "${schema}".wip_view_supporting_sources(v.view_name))
    ) OR views IS NULL
  )
  SELECT listed.view_name
  FROM listed
  WHERE NOT "${schema}".wip_view_is_frozen(listed.view_name)
    AND (listed.place < 0 OR to_regclass(format('%I.%I', '${schema}', listed.view_name)) IS NOT NULL)
    AND NOT "${schema}".wip_view_is_invokers(to_regclass(format('%I.%I', '${schema}', listed.view_name)))
  ORDER BY listed.place, listed.view_name;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_freezable(text[]) IS
  'What wip_view_freeze() is to be called for, in this order and each in a transaction of its own, to freeze these views (null for all): those that are not frozen yet, then the ordinary views that nothing else reads.';
