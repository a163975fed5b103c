-- Reports a plan, to people and programs: before a promotion continues, or in place of it.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_plan_attributes()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  scratch CONSTANT name := 'wip_decoy_${schema}';
  plan record;
  bare oid;
  of_live text[];
  of_built text[];
BEGIN
  SELECT * INTO plan FROM pg_temp.wip_plan;
  BEGIN
    bare := "${schema}".wip_view_make_bare(plan.live, scratch);
    of_live := ARRAY(SELECT a.* FROM "${schema}".wip_view_attributes(plan.live, bare) AS a);
    -- mostly they differ in their queries alone
    IF "${schema}".wip_view_bare_ddl(plan.live, 'bare') <> "${schema}".wip_view_bare_ddl(plan.built, 'bare')
      OR ARRAY(SELECT i.* FROM "${schema}".wip_view_index_statements(plan.live, 'bare') AS i)
        <> ARRAY(SELECT i.* FROM "${schema}".wip_view_index_statements(plan.built, 'bare') AS i)
    THEN
      EXECUTE format('DROP MATERIALIZED VIEW %s', bare::regclass);
      bare := "${schema}".wip_view_make_bare(plan.built, scratch);
    END IF;
    of_built := ARRAY(
      SELECT replace(a.statement, format('%I.', 'wip_staging_${schema}'), format('%I.', '${schema}'))
      FROM "${schema}".wip_view_attributes(plan.built, bare) AS a (statement));
    RAISE EXCEPTION SQLSTATE 'WV003';
  EXCEPTION WHEN SQLSTATE 'WV003' THEN
    UPDATE pg_temp.wip_plan AS p SET live_has = of_live, built_has = of_built;
  END;
EXCEPTION WHEN insufficient_privilege THEN
  -- a role that may not make a schema: it is not known
  RETURN;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_plan_attributes() IS
  'Notes what the live view and the one that was built have beside their queries.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_lost()
  RETURNS text[]
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  plan record;
  carried text[];
BEGIN
  SELECT * INTO plan FROM pg_temp.wip_plan;
  IF plan.live IS NULL THEN
    RETURN '{}';
  ELSIF plan.live_has IS NULL THEN
    RETURN NULL;
  END IF;
  carried := ARRAY(SELECT a.* FROM "${schema}".wip_view_attribute_ddl(plan.live, plan.built) AS a);
  RETURN ARRAY(
    SELECT l.statement
    FROM unnest(plan.live_has) WITH ORDINALITY AS l (statement, number)
    -- a revoked right is not lost
    WHERE l.statement !~ '^REVOKE'
      AND l.statement <> ALL (carried)
      AND NOT EXISTS (
        SELECT FROM unnest(plan.built_has) AS b (statement)
        WHERE CASE
          WHEN l.statement ~ '^CREATE' THEN "${schema}".wip_view_index_key(b.statement) = "${schema}".wip_view_index_key(l.statement)
          -- the file has another comment now
          WHEN l.statement ~ '^COMMENT' THEN split_part(b.statement, ' IS ', 1) = split_part(l.statement, ' IS ', 1)
          ELSE b.statement = l.statement
        END)
    ORDER BY l.number);
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_lost() IS
  'What the live view has beside its query and the planned one lacks: the statements that gave it. Grants, comments and settings of columns that are dropped, indexes that the file no longer makes, settings that the file sets otherwise. Null where this role cannot tell.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_planned_dependants()
  RETURNS TABLE (kind text, name text, fate text, problem text)
  LANGUAGE plpgsql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  RETURN QUERY
  SELECT d.kind, d.name, d.fate, d.problem
  FROM (
    SELECT o.position, CASE WHEN o.kind = 'other' THEN object.kind ELSE o.kind END,
           CASE WHEN o.kind = 'other' THEN substr(o.name, length(object.kind) + 2) ELSE o.name END, o.fate, o.problem
    FROM pg_temp.wip_plan_object AS o
    CROSS JOIN LATERAL substring(o.name FROM '^(?:statistics object|materialized view|[^ ]+)') AS object (kind)
    WHERE o.fate <> 'promoted'
    UNION ALL
    -- reads nothing that is replaced, or something that is refused
    SELECT NULL, CASE c.relkind WHEN 'm' THEN 'materialized view' ELSE 'view' END,
           format('%s.%I', c.relnamespace::regnamespace, c.relname),
           CASE WHEN EXISTS (SELECT FROM pg_temp.wip_plan_object AS o WHERE o.fate = 'refused') THEN 'undecided' ELSE 'untouched' END,
           NULL
    FROM pg_temp.wip_plan AS p
    CROSS JOIN LATERAL "${schema}".wip_view_dependants(p.live) AS t
    JOIN pg_class AS c ON c.oid = t.dependant
    WHERE NOT EXISTS (SELECT FROM pg_temp.wip_plan_object AS o WHERE o.class = 'pg_class'::regclass AND o.object = c.oid)
  ) AS d (position, kind, name, fate, problem)
  ORDER BY d.position, d.name;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_planned_dependants() IS
  'What depends on the view that is planned, each with its fate: replaced in place, rebuilt, recreated, refused, untouched; undecided where what it reads is refused.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_report(action text, compared jsonb, build_time interval)
  RETURNS jsonb
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  RETURN (
    SELECT jsonb_build_object(
      'view', p.view_name,
      'action', action,
      'build_seconds', round(extract(epoch FROM build_time)::numeric, 3),
      'refresh_seconds', (
        SELECT round(extract(epoch FROM avg(r.duration))::numeric, 3)
        FROM (
          SELECT h.duration
          FROM "${schema}".wip_view_refresh AS h
          WHERE h.view_name = p.view_name AND h.outcome = 'refreshed' AND h.mode <> 'rebuild'
          ORDER BY h.refresh_id DESC
          LIMIT 5
        ) AS r),
      'rows', compared - 'columns',
      'columns', coalesce((
        SELECT jsonb_agg(jsonb_build_object(
            'name', c.column_name, 'change', c.change, 'type_was', c.type_was, 'type', c.type_is,
            'differing_rows', coalesce((compared #> ARRAY['columns', c.column_name, 'rows'])::bigint, 0),
            'time_dependent', coalesce((compared #> ARRAY['columns', c.column_name, 'by_clock'])::boolean, false))
          ORDER BY c."position")
        FROM "${schema}".wip_view_column_changes(p.live, p.built) AS c
        WHERE p.live IS NOT NULL AND (c.change <> 'kept' OR compared #> ARRAY['columns', c.column_name] IS NOT NULL)), '[]'),
      'dependants', coalesce((SELECT jsonb_agg(to_jsonb(d)) FROM "${schema}".wip_view_planned_dependants() AS d), '[]'),
      'lost', to_jsonb("${schema}".wip_view_lost()),
      'holders', coalesce((
        SELECT jsonb_agg(jsonb_build_object('description', h.description, 'remedy', h.remedy))
        FROM "${schema}".wip_view_holders(
          ARRAY(SELECT o.locked FROM pg_temp.wip_plan_object AS o WHERE o.locked IS NOT NULL)) AS h), '[]'))
    FROM pg_temp.wip_plan AS p
  );
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_report(text, jsonb, interval) IS
  'The report of a plan on its view: see wip_view_plan().';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_report_lines(report jsonb)
  RETURNS SETOF text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT format('%s: %s', report ->> 'view', line.text)
  FROM (
    SELECT 1, string_agg(format('%s %s', c.change, c.names), ', ' ORDER BY c.change)
    FROM (
      SELECT c ->> 'change', string_agg(c ->> 'name', ', ')
      FROM jsonb_array_elements(report -> 'columns') AS c
      WHERE c ->> 'change' <> 'kept'
      GROUP BY c ->> 'change'
    ) AS c (change, names)
    UNION ALL
    SELECT 2, concat_ws(', ',
      format('%s rows now, %s then', r ->> 'live', r ->> 'built'),
      nullif(r ->> 'added', '0') || ' new', nullif(r ->> 'removed', '0') || ' gone', nullif(r ->> 'changed', '0') || ' different')
      || coalesce(' in ' || (
        SELECT string_agg(c ->> 'name', ', ')
        FROM jsonb_array_elements(report -> 'columns') AS c
        WHERE c ->> 'differing_rows' <> '0' AND NOT (c -> 'time_dependent')::boolean), '')
    FROM (SELECT report -> 'rows') AS rows (r)
    WHERE r ->> 'added' <> '0' OR r ->> 'removed' <> '0' OR r ->> 'changed' <> '0'
    UNION ALL
    SELECT 2, 'rows not compared: ' || (report #>> '{rows,problem}')
    UNION ALL
    SELECT 3, 'loses ' || (l #>> '{}') FROM jsonb_array_elements(nullif(report -> 'lost', 'null')) AS l
  ) AS line (number, text)
  WHERE line.text IS NOT NULL
  ORDER BY line.number;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_report_lines(jsonb) IS
  'A plan in a few lines, as a deploy prints it.';
