-- Registers what was deployed, and finds how the live views differ from it.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_definition(relation oid)
  RETURNS text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
  -- settings on which the printed form of a query depends
  SET bytea_output = hex
  SET datestyle = 'ISO, MDY'
  SET extra_float_digits = 1
  SET intervalstyle = postgres
  SET quote_all_identifiers = off
  SET standard_conforming_strings = on
  SET timezone = 'UTC'
  SET xmlbinary = base64
AS $function$
  -- Another major version prints a query differently: two definitions with different first lines are not compared.
  SELECT concat_ws(E'\n',
    'PostgreSQL ' || current_setting('server_version_num')::integer / 10000,
    pg_get_viewdef(relation),
    (SELECT string_agg(pg_get_indexdef(i.indexrelid), E'\n' ORDER BY i.indexrelid::regclass::text)
     FROM pg_index AS i
     WHERE i.indrelid = relation));
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_definition(oid) IS
  'A view''s query and indexes in the server''s own normal form.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_register_supporting_view(view_name text)
  RETURNS void
  LANGUAGE sql
  SET search_path = pg_catalog, pg_temp
AS $function$
  UPDATE "${schema}".wip_view_settings
  SET supporting_views = supporting_views || jsonb_build_object(view_name, "${schema}".wip_view_definition(live.oid)),
      supporting_columns = supporting_columns || jsonb_build_object(view_name, "${schema}".wip_view_source_columns(live.oid))
  FROM (SELECT to_regclass(format('%I.%I', '${schema}', view_name))) AS live (oid);
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_register_supporting_view(text) IS
  'Registers the query of an ordinary view that registered views read, as it was deployed.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_query_lines(definition text)
  RETURNS text
  LANGUAGE sql
  IMMUTABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT regexp_replace(definition, E'\nCREATE (UNIQUE )?INDEX .*$', '');
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_query_lines(text) IS
  'The query in a result of wip_view_definition(), without the indexes.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_index_lines(definition text)
  RETURNS SETOF text
  LANGUAGE sql
  IMMUTABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT regexp_split_to_table(substring(definition FROM E'\n(CREATE (?:UNIQUE )?INDEX .*)$'), E'\n');
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_index_lines(text) IS
  'The indexes in a result of wip_view_definition().';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_index_on(index_definition text, relation text, other text)
  RETURNS text
  LANGUAGE sql
  IMMUTABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT overlay(index_definition PLACING format(' ON %s ', other) FROM strpos(index_definition, clause.text) FOR length(clause.text))
  FROM format(' ON %s ', relation) AS clause (text);
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_index_on(text, text, text) IS
  'The statement that creates an index of one relation on another one; both by their names in SQL.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_definition_on(definition text, relation text, other text)
  RETURNS text
  LANGUAGE sql
  IMMUTABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT concat_ws(E'\n',
    "${schema}".wip_view_query_lines(definition),
    (SELECT string_agg("${schema}".wip_view_index_on(i.line, relation, other), E'\n')
     FROM "${schema}".wip_view_index_lines(definition) AS i (line)));
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_definition_on(text, text, text) IS
  'A result of wip_view_definition(), with the indexes on another relation.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_index_key(index_definition text)
  RETURNS text
  LANGUAGE sql
  IMMUTABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT regexp_replace(regexp_replace(index_definition, '^CREATE (UNIQUE )?INDEX .* USING ', E'\\1'), ' WITH [(][^)]*[)]', '');
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_index_key(text) IS
  'The definition of an index without its name, its table and its parameters, to compare.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_drift()
  RETURNS TABLE (view_name text, what text, remedy text)
  LANGUAGE sql
  STABLE
  SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
AS $function$
  WITH compared AS (
    SELECT v.view_name, v.refresh_order, v.definition AS was, d.definition AS is_now, v.source_columns,
           "${schema}".wip_view_query_lines(v.definition) = "${schema}".wip_view_query_lines(d.definition) AS same_query
    FROM "${schema}".wip_view AS v
    JOIN pg_class AS c
      ON c.relnamespace = '"${schema}"'::regnamespace
      AND c.relname = v.view_name
      AND c.relkind = 'm'
    CROSS JOIN LATERAL "${schema}".wip_view_definition(c.oid) AS d (definition)
    WHERE split_part(d.definition, E'\n', 1) = split_part(v.definition, E'\n', 1)
      AND NOT "${schema}".wip_view_is_frozen(v.view_name)
  )
  SELECT drift.view_name, drift.what, drift.remedy
  FROM (
    -- where a column that it reads was renamed, the file no longer fits
    SELECT c.view_name, c.refresh_order, changed.what,
           "${schema}".wip_view_command(VARIADIC CASE changed.what WHEN 'query' THEN ARRAY['recreate', c.view_name] ELSE ARRAY['update'] END)
    FROM compared AS c
    CROSS JOIN LATERAL "${schema}".wip_view_changed_part(c.source_columns) AS changed (what)
    WHERE NOT c.same_query
    UNION ALL
    -- an index that was added by hand is no drift: it stays
    SELECT c.view_name, c.refresh_order, 'index', lost.line || ';'
    FROM compared AS c
    CROSS JOIN LATERAL "${schema}".wip_view_index_lines(c.was) AS lost (line)
    WHERE c.same_query
      AND "${schema}".wip_view_index_key(lost.line) NOT IN (
        SELECT "${schema}".wip_view_index_key(l.line) FROM "${schema}".wip_view_index_lines(c.is_now) AS l (line))
    UNION ALL
    SELECT v.view_name, v.refresh_order, 'undone', "${schema}".wip_view_command('recreate', v.view_name)
    FROM "${schema}".wip_view AS v
    WHERE v.undone_definition IS NOT NULL
    UNION ALL
    SELECT support.name, 0, changed.what, "${schema}".wip_view_command(CASE changed.what WHEN 'query' THEN 'recreate' ELSE 'update' END)
    FROM "${schema}".wip_view_settings AS s
    CROSS JOIN LATERAL jsonb_each_text(s.supporting_views) AS support (name, was)
    JOIN pg_class AS c ON c.relnamespace = '"${schema}"'::regnamespace AND c.relname = support.name AND c.relkind = 'v'
    CROSS JOIN LATERAL "${schema}".wip_view_definition(c.oid) AS d (definition)
    CROSS JOIN LATERAL "${schema}".wip_view_changed_part(s.supporting_columns -> support.name) AS changed (what)
    WHERE support.was <> d.definition
      AND split_part(support.was, E'\n', 1) = split_part(d.definition, E'\n', 1)
      AND NOT "${schema}".wip_view_is_frozen(support.name)
  ) AS drift (view_name, refresh_order, what, remedy)
  ORDER BY drift.refresh_order, drift.view_name, drift.remedy;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_drift() IS
  'How the registered views, and the supporting views that they read, differ from what was deployed: a query that somebody changed, names of columns that were renamed under it, so that its file has to follow, an index that is gone, or undone: an earlier definition that wip_view_recreate_previous() has brought back. remedy: the command, or the statement, that brings it back. Indexes that somebody added are left out: they stay.';
