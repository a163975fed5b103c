DROP FUNCTION
  "${schema}".wip_view_remove(text),
  "${schema}".wip_view_promote(text, integer, interval),
  "${schema}".wip_view_stage(text);
