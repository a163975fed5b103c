SELECT "${schema}".wip_view_acquire_exclusive('drop', 'wip_view_rights');
DROP VIEW "${schema}".wip_view_rights;
DROP FUNCTION
  "${schema}".wip_view_grant_rights(text),
  "${schema}".wip_view_missing_ownership(),
  "${schema}".wip_view_role_rights(),
  "${schema}".wip_view_routines(),
  "${schema}".wip_view_relations(),
  "${schema}".wip_view_meet_needs(oid, text),
  "${schema}".wip_view_raise_denied(oid, text),
  "${schema}".wip_view_unmet(oid),
  "${schema}".wip_view_needs(oid);
