DROP FUNCTION
  "${schema}".wip_view_remove(text),
  "${schema}".wip_view_promote(text, integer, interval),
  "${schema}".wip_view_give(oid, oid, oid[], oid[]),
  "${schema}".wip_view_settle(oid, oid),
  "${schema}".wip_view_attributes(oid, oid),
  "${schema}".wip_view_grants(aclitem[], oid, text, text),
  "${schema}".wip_view_drift(),
  "${schema}".wip_view_state(oid, oid),
  "${schema}".wip_view_source(oid, oid, text),
  "${schema}".wip_view_definition(oid),
  "${schema}".wip_view_columns(oid),
  "${schema}".wip_view_reads(oid),
  "${schema}".wip_view_stage(text);
