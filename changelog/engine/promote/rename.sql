-- Removes or renames a view. Both wait for its turn, as a refresh does, and then lock readers out for no longer than a swap.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_remove(view_name text)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  dependants text;
BEGIN
  PERFORM "${schema}".wip_view_acquire_turn('remove ' || view_name, view_name);
  IF to_regclass(format('%I.%I', '${schema}', view_name)) IS NOT NULL THEN
    PERFORM "${schema}".wip_view_acquire_exclusive('remove', view_name);
    BEGIN
      EXECUTE format('DROP MATERIALIZED VIEW %I.%I', '${schema}', view_name);
    EXCEPTION WHEN dependent_objects_still_exist THEN
      GET STACKED DIAGNOSTICS dependants = PG_EXCEPTION_DETAIL;
      RAISE EXCEPTION 'cannot remove %: %', view_name, replace(dependants, E'\n', '; ')
        USING ERRCODE = 'dependent_objects_still_exist', HINT = 'Drop these first.';
    END;
  END IF;
  DELETE FROM "${schema}".wip_view AS v WHERE v.view_name = wip_view_remove.view_name;
  PERFORM "${schema}".wip_view_drop_copies();
  PERFORM "${schema}".wip_view_drop_retired();
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_remove(text) IS
  'Drops a view and removes it from the registry: for the rollback of its entry, and for the changeset that takes the entry''s place. Its history stays until it is pruned. Stops where something else depends on it. Does nothing where there is no such view.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_check_name(view_name text, new_name text)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  -- whose definition, which the registry keeps, names it
  frozen_readers CONSTANT text := (
    SELECT string_agg(v.view_name, ', ' ORDER BY v.view_name)
    FROM "${schema}".wip_view AS v
    JOIN "${schema}".wip_view_frozen AS f ON f.view_name = v.view_name
    WHERE v.source_columns @> jsonb_build_array(jsonb_build_object('table', format('%I.%I', '${schema}', wip_view_check_name.view_name))));
BEGIN
  IF frozen_readers IS NOT NULL THEN
    RAISE EXCEPTION 'cannot rename %: % is frozen, and reads it', view_name, frozen_readers
      USING ERRCODE = 'object_in_use', HINT = 'Thaw that first.';
  ELSIF octet_length(new_name) NOT BETWEEN 1 AND 63 THEN
    RAISE EXCEPTION 'cannot rename % to "%": a name has 1 to 63 bytes', view_name, new_name
      USING ERRCODE = 'invalid_name', HINT = 'Choose another name.';
  ELSIF EXISTS (SELECT FROM "${schema}".wip_view AS v WHERE v.view_name = new_name)
    OR to_regtype(format('%I.%I', '${schema}', new_name)) IS NOT NULL
    OR to_regclass(format('%I.%I', '${schema}', new_name)) IS NOT NULL
  THEN
    RAISE EXCEPTION 'cannot rename % to %: there is one of that name already', view_name, new_name
      USING ERRCODE = 'duplicate_table', HINT = 'Choose another name, or rename or remove that one first.';
  END IF;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_check_name(text, text) IS
  'Stops if a view cannot have that name.';

-- Dependants refer to a view by its oid, and follow. Texts that name it do not: the definitions in the registry are printed
-- again here; the bodies of functions are up to their authors.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_rename_relation(relation oid, view_name text, new_name text)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  -- one that is not as it was deployed stays so
  as_deployed CONSTANT text[] := ARRAY(
    SELECT v.view_name
    FROM "${schema}".wip_view_order AS o
    JOIN "${schema}".wip_view AS v ON v.view_name = o.view_name
    WHERE wip_view_rename_relation.view_name = ANY (o.reads)
      AND "${schema}".wip_view_query_lines(v.definition)
        = "${schema}".wip_view_query_lines("${schema}".wip_view_definition(to_regclass(format('%I.%I', '${schema}', v.view_name)))));
BEGIN
  PERFORM "${schema}".wip_view_acquire_exclusive('rename ' || view_name, ARRAY[relation]);
  EXECUTE format('ALTER MATERIALIZED VIEW %s RENAME TO %I', relation::regclass, new_name);

  UPDATE "${schema}".wip_view AS v
  SET definition = concat_ws(E'\n',
    "${schema}".wip_view_query_lines("${schema}".wip_view_definition(to_regclass(format('%I.%I', '${schema}', v.view_name)))),
    (SELECT string_agg(i.line, E'\n') FROM "${schema}".wip_view_index_lines(v.definition) AS i (line)))
  WHERE v.view_name = ANY (as_deployed);

  UPDATE "${schema}".wip_view AS v
  SET definition = "${schema}".wip_view_definition_on(
    v.definition, format('%I.%I', '${schema}', v.view_name), format('%I.%I', '${schema}', new_name))
  WHERE v.view_name = wip_view_rename_relation.view_name;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_rename_relation(oid, text, text) IS
  'Renames a registered materialized view, and names it so in the registered definitions.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_rename(view_name text, new_name text)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  relation CONSTANT oid := (
    SELECT c.oid FROM pg_class AS c
    WHERE c.relnamespace = '"${schema}"'::regnamespace AND c.relname = view_name AND c.relkind = 'm');
  naming text;
BEGIN
  IF NOT EXISTS (SELECT FROM "${schema}".wip_view AS v WHERE v.view_name = wip_view_rename.view_name) THEN
    RAISE NOTICE 'no view % is registered: nothing to rename', view_name;
    RETURN;
  END IF;
  PERFORM "${schema}".wip_view_check_name(view_name, new_name);
  PERFORM "${schema}".wip_view_acquire_turn('rename ' || view_name, view_name);
  PERFORM "${schema}".wip_view_acquire_turn('rename ' || view_name, new_name);

  IF relation IS NOT NULL THEN
    PERFORM "${schema}".wip_view_rename_relation(relation, view_name, new_name);
  END IF;
  UPDATE "${schema}".wip_view AS v
  SET former_names = array_remove(v.former_names, new_name)
  WHERE new_name = ANY (v.former_names);
  UPDATE "${schema}".wip_view AS v
  SET view_name = new_name, former_names = v.former_names || v.view_name, attributes = NULL,
      -- they name it
      frozen_attributes = NULL,
      -- which name it
      previous_definitions = (
        SELECT coalesce(jsonb_agg(p.definition - 'attributes' ORDER BY p.place), '[]')
        FROM jsonb_array_elements(v.previous_definitions) WITH ORDINALITY AS p (definition, place))
  WHERE v.view_name = wip_view_rename.view_name;
  PERFORM "${schema}".wip_view_record_attributes(new_name);
  UPDATE "${schema}".wip_view AS v
  SET source_refresh_no = v.source_refresh_no - wip_view_rename.view_name
    || jsonb_build_object(new_name, v.source_refresh_no -> wip_view_rename.view_name)
  WHERE v.source_refresh_no ? wip_view_rename.view_name;

  -- A caller that was served and keeps its transaction open keeps its row: the rename does not wait for it.
  UPDATE "${schema}".wip_view_refresh AS r
  SET view_name = new_name
  WHERE r.refresh_id IN (
    SELECT h.refresh_id FROM "${schema}".wip_view_refresh AS h WHERE h.view_name = wip_view_rename.view_name FOR UPDATE SKIP LOCKED);

  SELECT string_agg(p.oid::regprocedure::text, ', ' ORDER BY p.oid::regprocedure::text)
  INTO naming
  FROM pg_proc AS p
  WHERE strpos(lower(p.prosrc), lower(view_name)) > 0
    AND p.oid NOT IN (SELECT o.* FROM "${schema}".wip_view_objects() AS o);
  IF naming IS NOT NULL THEN
    RAISE WARNING '% is % now, and these name it in their bodies: %', view_name, new_name, naming
      USING HINT = 'CREATE OR REPLACE them with the new name.';
  END IF;
  RAISE NOTICE '% is % now', view_name, new_name;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_rename(text, text) IS
  'Renames a registered view, with its grants, indexes, dependants, history and the callers that wait for its refresh; readers wait for milliseconds, and read it by its new name from then on. A refresh by its old name still works, and NOTIFY wip_view_refreshed carries both names. In a changeset above the entry of the new name, which takes the place of the old one. Does nothing where no view of the old name is registered, as in a new database.';

SELECT "${schema}".wip_view_revoke_default_privileges();
