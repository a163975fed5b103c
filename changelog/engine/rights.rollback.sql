SELECT "${schema}".wip_view_take('drop', 'wip_view_rights');
DROP FUNCTION
  "${schema}".wip_view_meet_needs(oid, text),
  "${schema}".wip_view_give_rights(text),
  "${schema}".wip_view_deny(oid, text),
  "${schema}".wip_view_unmet(oid);
DROP VIEW "${schema}".wip_view_rights;
DROP FUNCTION "${schema}".wip_view_needs(oid);
