-- Keeps order in Liquibase's own table. `liquibase rollback` by tag, by date or by count uses the order in which
-- changesets ran last; a changeset of ours that runs again would move to the end, with a tag that was on the host's
-- last one, and the rollback would include the views. So a changeset of ours keeps the place of its first run, and one
-- that a later version adds takes a place right before the last of the others, drift, which may bear a tag.

SELECT "${schema}".wip_view_snapshot_objects();

CREATE OR REPLACE FUNCTION "${schema}".wip_view_keep_place()
  RETURNS trigger
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  drift_executed timestamp;
BEGIN
  -- Which changelog promoted a view is known here, where its entry does not say.
  IF current_setting('wip_views.promoted', true) <> '' THEN
    PERFORM "${schema}".wip_view_claim_promoted(NEW.filename);
  END IF;

  IF NEW.author <> 'wip-views' OR NEW.filename NOT LIKE 'wip-views/%' THEN
    RETURN NEW;
  END IF;

  IF TG_OP = 'UPDATE' THEN
    NEW.dateexecuted := OLD.dateexecuted;
    NEW.orderexecuted := OLD.orderexecuted;
    NEW.deployment_id := OLD.deployment_id;
  ELSIF NEW.filename = ANY (TG_ARGV) THEN
    EXECUTE format('SELECT l.dateexecuted FROM %s AS l WHERE l.author = $1 AND l.filename = ANY ($2) AND l.id = $3', TG_RELID::regclass)
    INTO drift_executed
    USING NEW.author, TG_ARGV, 'drift';
    -- a restored row keeps its place
    NEW.dateexecuted := least(NEW.dateexecuted, drift_executed - interval '1 microsecond');
  END IF;
  RETURN NEW;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_keep_place() IS
  'Keeps the changesets of wip-views where they are in the order of Liquibase''s table, so that a rollback by tag, date or count means what it would mean without them; notes in wip_view.changelog which one promoted a view.';

DO $trigger$
DECLARE
  log record;
BEGIN
  FOR log IN
    SELECT
      c.oid::pg_catalog.regclass AS name,
      c.relowner::pg_catalog.regrole AS owner,
      pg_catalog.pg_has_role(c.relowner, 'USAGE') AS ours
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = '${database.liquibaseSchemaName}'
      AND pg_catalog.lower(c.relname) = pg_catalog.lower('${database.databaseChangeLogTableName}')
      AND c.relkind = 'r'
  LOOP
    IF log.ours THEN
      EXECUTE pg_catalog.format(
        'CREATE OR REPLACE TRIGGER wip_views_keep_place BEFORE INSERT OR UPDATE ON %s'
          ' FOR EACH ROW EXECUTE FUNCTION %I.wip_view_keep_place(%L, %L, %L)',
        log.name, '${schema}',
        'wip-views/db.changelog-root.yaml', 'wip-views/mes-indexes.changelog.yaml', 'wip-views/views.changelog.yaml');
      EXECUTE pg_catalog.format('ALTER TABLE %s ENABLE ALWAYS TRIGGER wip_views_keep_place', log.name);
    ELSE
      RAISE WARNING 'a liquibase rollback by tag, date or count may take the views along: %, where it looks, belongs to %', log.name, log.owner
        USING HINT = pg_catalog.format('Deploy as that role, or GRANT %s TO %I.', log.owner, current_user);
    END IF;
  END LOOP;
END
$trigger$;

SELECT "${schema}".wip_view_revoke_default_privileges();
