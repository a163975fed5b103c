-- Stages a view, the first time and at each change.
--
--   wip_view_stage(view)        puts the staging schema in front, so that the view's file builds it there
--   (the view's file runs)      CREATE MATERIALIZED VIEW, its indexes, its comments, unqualified names
--   wip_view_promote(view, ...)   puts it in the live one's place, with all that hangs on it, and registers it
--
-- All of it is one transaction, Liquibase's changeset: nothing is visible before it is complete, and a deploy that dies leaves
-- nothing behind. Readers continue to read the live view; they wait only for the swap, which changes nothing but the catalog.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_begin_stage(view_name text)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  IF to_regclass('pg_temp.wip_staged') IS NULL THEN
    CREATE TEMPORARY TABLE wip_staged (view_name text NOT NULL, planned boolean NOT NULL DEFAULT false) ON COMMIT DROP;
    CREATE CONSTRAINT TRIGGER refuse_commit AFTER INSERT ON pg_temp.wip_staged
      DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION "${schema}".wip_view_refuse_commit();
    ALTER TABLE pg_temp.wip_staged ENABLE ALWAYS TRIGGER refuse_commit;
  END IF;
  DELETE FROM pg_temp.wip_staged AS s WHERE NOT s.planned;
  INSERT INTO pg_temp.wip_staged (view_name) VALUES (view_name);
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_begin_stage(text) IS
  'Notes which view is being built, and prevents a COMMIT before it is promoted.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_end_stage(view_name text)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  IF to_regclass('pg_temp.wip_staged') IS NOT NULL THEN
    DELETE FROM pg_temp.wip_staged AS s WHERE s.view_name = wip_view_end_stage.view_name AND NOT s.planned;
    IF FOUND THEN
      RETURN;
    END IF;
  END IF;
  RAISE EXCEPTION 'ROLLBACK before % was promoted, or no wip_view_stage() before its file', view_name
    USING ERRCODE = 'invalid_transaction_termination',
          HINT = 'Take ROLLBACK out of the file. By hand: BEGIN, wip_view_stage(), the file, wip_view_promote(), COMMIT.';
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_end_stage(text) IS
  'Allows the transaction to commit again; stops if it is not the one in which the view was staged.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_stage(view_name text, changelog text)
  RETURNS void
  LANGUAGE plpgsql
AS $function$
BEGIN
  PERFORM "${schema}".wip_view_enter_staging();
  PERFORM "${schema}".wip_view_claim(view_name, changelog);
  PERFORM "${schema}".wip_view_check_owner(view_name);
  PERFORM set_config('wip_views.changelog', changelog, true);
  PERFORM "${schema}".wip_view_begin_stage(view_name);
  PERFORM "${schema}".wip_view_make_decoy(view_name);
  PERFORM "${schema}".wip_view_snapshot_catalog();
  -- in a form that means the same under every DateStyle and time zone
  PERFORM set_config('wip_views.staged_at', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), false);
  PERFORM set_config('search_path', concat(
    '"wip_staging_${schema}", "wip_decoy_${schema}", ',
    -- the views that were planned before it
    CASE WHEN "${schema}".wip_view_has_planned_schema() THEN '"wip_planned_${schema}", ' END,
    '"${schema}", pg_temp'), false);
  RAISE NOTICE '%: building', view_name;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_stage(text, text) IS
  'Stops if the view belongs to another changelog than the one given, unless that is null. Puts the staging schema in front of the search_path, so that the view''s file, run next, builds the view there. wip_view_promote() restores the path.';

-- A function, not a default: an earlier version, which has only this one, can be deployed again beside the other.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_stage(view_name text)
  RETURNS void
  LANGUAGE plpgsql
AS $function$
BEGIN
  PERFORM "${schema}".wip_view_stage(view_name, NULL::pg_catalog.text);
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_stage(text) IS
  'wip_view_stage(view_name, NULL): Liquibase''s log then tells which changelog the view belongs to.';
