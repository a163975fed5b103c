-- The plan of the view itself and of the views and materialized views that depend on it.

CREATE OR REPLACE FUNCTION "${schema}".wip_view_plan_view()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  plan record;
  renamed record;
  statement text;
BEGIN
  UPDATE pg_temp.wip_plan AS p
  SET live_path = paths.live || ', pg_temp',
      build_path = format('%I, %s, pg_temp', 'wip_staging_${schema}', paths.live)
  FROM (
    SELECT concat_ws(', ', quote_ident('${schema}'), string_agg(DISTINCT quote_ident(n.nspname), ', ') FILTER (WHERE n.nspname <> '${schema}'))
    FROM pg_temp.wip_plan AS q
    CROSS JOIN LATERAL "${schema}".wip_view_dependants(q.live) AS d
    JOIN pg_class AS c ON c.oid = d.dependant
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
  ) AS paths (live)
  RETURNING p.* INTO plan;

  INSERT INTO pg_temp.wip_plan_object (class, object, kind, name, fate, successor, locked, fingerprint)
  VALUES ('pg_class'::regclass, plan.live, 'materialized view', plan.live_name, 'promoted', plan.built, plan.live,
          "${schema}".wip_view_fingerprint('pg_class'::regclass, plan.live));

  -- The file has shown that its query runs. The rows that readers get are made like those of a refresh: by the future owner of
  -- the view, once the promotion has the view's turn.
  IF NOT plan.dry_run THEN
    EXECUTE format('REFRESH MATERIALIZED VIEW %s WITH NO DATA', plan.built::regclass);
  END IF;
  -- what the file grants: the owner's other grants will be those of the live view
  PERFORM "${schema}".wip_view_plan_step('finish', g.statement)
  FROM "${schema}".wip_view_file_grants(plan.built, plan.live_name) AS g (statement)
  WHERE plan.live IS NOT NULL;
  -- A new view belongs to the role that refreshes it.
  PERFORM "${schema}".wip_view_assign_owner(plan.built, c.relowner)
  FROM pg_class AS c
  WHERE c.oid = coalesce(plan.live, '"${schema}".wip_view'::regclass);
  PERFORM "${schema}".wip_view_meet_needs(plan.built, plan.view_name);
  FOR statement IN SELECT t.* FROM "${schema}".wip_view_storage_ddl(plan.live, plan.built) AS t LOOP
    EXECUTE statement;
  END LOOP;

  -- The index of a view that was renamed may still have the name.
  FOR renamed IN
    SELECT c.oid::regclass AS index_name, c.relname
    FROM pg_index AS i
    JOIN pg_class AS c ON c.oid = i.indexrelid
    JOIN pg_class AS other ON other.relname = c.relname AND other.relnamespace = '"${schema}"'::regnamespace
    LEFT JOIN pg_index AS other_index ON other_index.indexrelid = other.oid
    WHERE i.indrelid = plan.built
      AND other_index.indrelid IS DISTINCT FROM plan.live
  LOOP
    EXECUTE format('ALTER INDEX %s RENAME TO %I', renamed.index_name,
                   left(renamed.relname, 63 - length('_' || plan.built::text)) || '_' || plan.built);
  END LOOP;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_plan_view() IS
  'Plans the view itself: gives the one that was built its future owner, tablespaces and index names.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_plan_dependant(relation oid)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  node pg_class;
  qualified text;
  trial oid;
BEGIN
  SELECT * INTO node FROM pg_class AS c WHERE c.oid = relation;
  qualified := format('%s.%I', node.relnamespace::regnamespace, node.relname);
  IF pg_is_other_temp_schema(node.relnamespace) THEN
    RAISE EXCEPTION 'it is a temporary view of another session, and goes when that session ends';
  ELSIF NOT pg_has_role(node.relowner, 'USAGE') THEN
    RAISE EXCEPTION 'it belongs to %, of which % is not a member', node.relowner::regrole, current_user;
  ELSIF node.relkind = 'm' AND to_regclass(format('%I.%I', 'wip_staging_${schema}', node.relname)) IS NOT NULL THEN
    RAISE EXCEPTION 'another dependant of the same name gets a successor, too: rename one of them';
  END IF;

  trial := "${schema}".wip_view_create_successor(
    relation, CASE node.relkind WHEN 'm' THEN node.relname ELSE 'trial_' || relation END);
  IF node.relkind = 'v' AND "${schema}".wip_view_columns(trial) = "${schema}".wip_view_columns(relation) THEN
    EXECUTE format('DROP VIEW %s', trial::regclass);
    -- CREATE OR REPLACE VIEW without its options would drop them
    PERFORM "${schema}".wip_view_plan_step('replace', format('CREATE OR REPLACE VIEW %s%s AS %s', qualified,
      "${schema}".wip_view_with_clause(relation),
      "${schema}".wip_view_ddl('pg_class'::regclass, relation, p.live_path)), p.build_path)
    FROM pg_temp.wip_plan AS p;
    UPDATE pg_temp.wip_plan_object AS o SET fate = 'replaced' WHERE o.object = relation;
    RETURN;
  END IF;

  IF node.relkind = 'v' THEN
    EXECUTE format('ALTER VIEW %s RENAME TO %I', trial::regclass, node.relname);
  END IF;
  PERFORM "${schema}".wip_view_complete_successor(relation, trial);
  UPDATE pg_temp.wip_plan_object AS o
  SET fate = CASE node.relkind WHEN 'm' THEN 'rebuilt' ELSE 'recreated' END, successor = trial
  WHERE o.object = relation;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_plan_dependant(oid) IS
  'Decides the fate of a view or materialized view that reads what is replaced, and makes its successor if it needs one. Raises an error that names what is in the way.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_plan_dependants()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  node record;
BEGIN
  FOR node IN
    SELECT d.dependant AS oid, format('%s.%I', c.relnamespace::regnamespace, c.relname) AS name,
           CASE c.relkind WHEN 'm' THEN 'materialized view' ELSE 'view' END AS kind
    FROM pg_temp.wip_plan AS p
    CROSS JOIN LATERAL "${schema}".wip_view_dependants(p.live) AS d
    JOIN pg_class AS c ON c.oid = d.dependant
    ORDER BY d.depth, c.oid
  LOOP
    -- what reads nothing that is replaced stays as it is; what reads one that is refused cannot be decided
    CONTINUE WHEN NOT EXISTS (
      SELECT FROM "${schema}".wip_view_reads(node.oid) AS read JOIN pg_temp.wip_plan_object AS o ON o.object = read
      WHERE o.successor IS NOT NULL
    ) OR EXISTS (
      SELECT FROM "${schema}".wip_view_reads(node.oid) AS read JOIN pg_temp.wip_plan_object AS o ON o.object = read
      WHERE o.fate = 'refused'
    );
    INSERT INTO pg_temp.wip_plan_object (class, object, kind, name, fate, locked)
    VALUES ('pg_class'::regclass, node.oid, node.kind, node.name, 'undecided', node.oid);
    BEGIN
      UPDATE pg_temp.wip_plan_object AS o
      SET fingerprint = "${schema}".wip_view_fingerprint('pg_class'::regclass, node.oid),
          definition = "${schema}".wip_view_evaluate(format('%I.wip_view_definition(%s)', '${schema}', node.oid), 'pg_catalog, pg_temp')
      WHERE o.object = node.oid;
      PERFORM "${schema}".wip_view_plan_dependant(node.oid);
    EXCEPTION WHEN OTHERS THEN
      UPDATE pg_temp.wip_plan_object AS o
      SET fate = 'refused', problem = format('%s %s: %s', node.kind, node.name, SQLERRM)
      WHERE o.object = node.oid;
    END;
  END LOOP;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_plan_dependants() IS
  'Plans every view and materialized view that depends on the live view, each after those that it reads.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_plan_fates()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  PERFORM "${schema}".wip_view_plan_view();
  PERFORM "${schema}".wip_view_plan_indexes();
  PERFORM "${schema}".wip_view_plan_dependants();
  PERFORM "${schema}".wip_view_plan_others();
  PERFORM "${schema}".wip_view_plan_refusals();
  PERFORM "${schema}".wip_view_plan_bodies();
  IF (SELECT p.live IS NOT NULL FROM pg_temp.wip_plan AS p) THEN
    PERFORM "${schema}".wip_view_plan_attributes();
  END IF;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_plan_fates() IS
  'Plans the view and everything that depends on it, beside the live ones: their fates, and successors without data.';
