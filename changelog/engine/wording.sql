-- Command lines and durations, in the same form everywhere.

SELECT "${schema}".wip_view_snapshot_objects();

CREATE OR REPLACE FUNCTION "${schema}".wip_view_command(VARIADIC words text[])
  RETURNS text
  LANGUAGE sql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT 'wip-views ' || string_agg(
    CASE
      WHEN line.word ~ '^[[:alnum:]_-]+$' THEN line.word
      ELSE format($quote$'%s'$quote$, replace(line.word, chr(39), chr(39) || chr(92) || chr(39) || chr(39)))
    END, ' ' ORDER BY line.place)
  FROM unnest(words || CASE
    WHEN '${schema}' <> coalesce(nullif(current_setting('wip_views.default_schema', true), ''), 'public')
      THEN ARRAY['--schema', '${schema}']
  END) WITH ORDINALITY AS line (word, place)
  WHERE line.word IS NOT NULL;
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_command(text[]) IS
  'The command line of wip-views with these words, as a shell takes it: for a remedy. Names the schema unless that is the one that a connection finds by itself. A word that is null is left out.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_duration_text(duration interval)
  RETURNS text
  LANGUAGE sql
  IMMUTABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT CASE
    WHEN took.ms < 1 AND duration > interval '0' THEN '<1 ms'
    WHEN took.ms < 1000 THEN took.ms || ' ms'
    WHEN took.ms < 60000 AND took.ms % 1000 = 0 THEN took.ms / 1000 || ' s'
    WHEN took.ms < 60000 THEN to_char(took.ms / 100 * 0.1, 'FM90.0') || ' s'
    ELSE (
      SELECT took.ms / unit.ms || ' ' || unit.name || coalesce(' ' || nullif(took.ms % unit.ms / unit.small_ms, 0) || ' ' || unit.small_name, '')
      FROM (VALUES (86400000, 'd', 3600000, 'h'), (3600000, 'h', 60000, 'min'), (60000, 'min', 1000, 's'))
        AS unit (ms, name, small_ms, small_name)
      WHERE unit.ms <= took.ms
      ORDER BY unit.ms DESC
      LIMIT 1)
  END
  FROM (SELECT (extract(epoch FROM duration) * 1000)::bigint) AS took (ms);
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_duration_text(interval) IS
  'A duration as people say it: 85 ms, 1.2 s, 20 min, 2 h 5 min.';

SELECT "${schema}".wip_view_revoke_default_privileges();
