-- The table of the schedule, and who may run one.
--
-- The columns are db-scheduler's own, for PostgreSQL. Its indexes are left out: there is a row per cadence, a handful,
-- and an index on what changes with every heartbeat would only make the row's next version dearer.

SELECT "${schema}".wip_view_snapshot_objects();

CREATE TABLE IF NOT EXISTS "${schema}".wip_view_schedule (
  task_name text NOT NULL,
  task_instance text NOT NULL,
  task_data bytea,
  execution_time timestamptz NOT NULL,
  picked boolean NOT NULL,
  picked_by text,
  last_success timestamptz,
  last_failure timestamptz,
  consecutive_failures integer,
  last_heartbeat timestamptz,
  version bigint NOT NULL,
  priority smallint,
  PRIMARY KEY (task_name, task_instance)
);

COMMENT ON TABLE "${schema}".wip_view_schedule IS 'The schedule that wip-views runs on the JVM: a row per schedule, kept by db-scheduler. Instances insert the rows; a row that no instance''s schedule has any more may be deleted.';
COMMENT ON COLUMN "${schema}".wip_view_schedule.task_name IS 'refresh-wip-views for all views without a schedule of their own; refresh-wip-views: and the view''s name for one that has.';
COMMENT ON COLUMN "${schema}".wip_view_schedule.task_instance IS 'Always recurring.';
COMMENT ON COLUMN "${schema}".wip_view_schedule.task_data IS 'Not used, and never read.';
COMMENT ON COLUMN "${schema}".wip_view_schedule.execution_time IS 'When the next run is due, or the current one was. An UPDATE of a row that is not picked brings it forward.';
COMMENT ON COLUMN "${schema}".wip_view_schedule.picked IS 'Whether an instance is running it.';
COMMENT ON COLUMN "${schema}".wip_view_schedule.picked_by IS 'Process and host of that instance.';
COMMENT ON COLUMN "${schema}".wip_view_schedule.last_success IS 'When a run last ended, by the clock of the instance. Whether its refreshes failed is in wip_view_refresh.';
COMMENT ON COLUMN "${schema}".wip_view_schedule.last_failure IS 'When an instance was last found dead during a run.';
COMMENT ON COLUMN "${schema}".wip_view_schedule.consecutive_failures IS 'How many instances died one after the other, since a run last ended.';
COMMENT ON COLUMN "${schema}".wip_view_schedule.last_heartbeat IS 'Last sign of life of the instance during a run. When it is too old, another instance begins the run again.';
COMMENT ON COLUMN "${schema}".wip_view_schedule.version IS 'Goes up with every change: of two instances that want a run, one finds it changed.';
COMMENT ON COLUMN "${schema}".wip_view_schedule.priority IS 'Not used.';

SELECT "${schema}".wip_view_revoke_default_privileges();

-- The roles that the deploy names.
DO $access$
DECLARE
  -- the role that deploys may have a schema on the path where others create
  path CONSTANT pg_catalog.text := pg_catalog.current_setting('search_path');
  grantee record;
BEGIN
  SET LOCAL search_path = pg_catalog, pg_temp;

  FOR grantee IN
    SELECT r.rolname AS role, bool_or(named.may_refresh) AS refreshes
    FROM "${schema}".wip_view_role AS named
    JOIN pg_roles AS r ON r.rolname = named.role
    GROUP BY r.rolname
  LOOP
    EXECUTE format(
      'GRANT %s ON "${schema}".wip_view_schedule TO %I',
      CASE WHEN grantee.refreshes THEN 'SELECT, INSERT, UPDATE, DELETE' ELSE 'SELECT' END,
      grantee.role);
  END LOOP;

  PERFORM set_config('search_path', path, true);
END
$access$;
