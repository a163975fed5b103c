-- Whose a view is: the changelog and the role that may replace it.

-- Two changelogs with a view of one name would replace each other's definition with every deploy.
CREATE OR REPLACE FUNCTION "${schema}".wip_view_claim(view_name text, changelog text)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  kept_by text;
BEGIN
  SELECT v.changelog INTO kept_by FROM "${schema}".wip_view AS v WHERE v.view_name = wip_view_claim.view_name;
  IF kept_by <> changelog THEN
    RAISE EXCEPTION '% is a view of %; % cannot keep one of this name too', view_name, kept_by, changelog
      USING ERRCODE = 'duplicate_object',
            HINT = format('Give one of the two another name. If it is the same view, whose changelog has another name now: UPDATE %I.wip_view SET changelog = %L WHERE view_name = %L;',
                          '${schema}', changelog, view_name);
  END IF;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_claim(text, text) IS
  'Stops if the view belongs to another changelog.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_claim_promoted(changelog text)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  -- the transaction, then its views
  promoted CONSTANT text[] := current_setting('wip_views.promoted')::text[];
  promoted_view text;
BEGIN
  PERFORM set_config('wip_views.promoted', '', false);
  FOREACH promoted_view IN ARRAY promoted[2:] LOOP
    PERFORM "${schema}".wip_view_claim(promoted_view, changelog);
    UPDATE "${schema}".wip_view AS v
    SET changelog = wip_view_claim_promoted.changelog
    WHERE v.view_name = promoted_view AND v.changelog IS NULL;
  END LOOP;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_claim_promoted(text) IS
  'Notes the changelog of the views that this session has promoted since, whose entries do not name it.';

CREATE OR REPLACE FUNCTION "${schema}".wip_view_check_owner(view_name text)
  RETURNS void
  LANGUAGE plpgsql
  STABLE
  SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  owner text;
BEGIN
  SELECT c.relowner::regrole INTO owner
  FROM pg_class AS c
  WHERE c.oid = to_regclass(format('%I.%I', '${schema}', view_name)) AND NOT pg_has_role(c.relowner, 'USAGE');
  IF FOUND THEN
    RAISE EXCEPTION '% is there already, and belongs to role %', format('%I.%I', '${schema}', view_name), owner
      USING ERRCODE = 'insufficient_privilege',
            HINT = format('Give the view another name, or deploy as that role, or GRANT %s TO %I.', owner, current_user);
  END IF;
END
$function$;

COMMENT ON FUNCTION "${schema}".wip_view_check_owner(text) IS
  'Stops if the object of the view''s name belongs to a role of which the caller is not a member.';
