DROP FUNCTION
  "${schema}".wip_view_own(),
  "${schema}".wip_view_note(),
  "${schema}".wip_view_pin(),
  "${schema}".wip_view_objects(),
  "${schema}".wip_view_take(text, text),
  "${schema}".wip_view_take(text, oid[], timestamptz, text),
  "${schema}".wip_view_holders(oid[]),
  "${schema}".wip_view_lock(oid[], interval);
