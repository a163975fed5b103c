SELECT "${schema}".wip_view_acquire_exclusive('drop', 'wip_view_rights');
DROP FUNCTION
  "${schema}".wip_view_meet_needs(oid, text),
  "${schema}".wip_view_grant_rights(text),
  "${schema}".wip_view_raise_denied(oid, text),
  "${schema}".wip_view_unmet(oid);
DROP VIEW "${schema}".wip_view_rights;
DROP FUNCTION "${schema}".wip_view_needs(oid);
