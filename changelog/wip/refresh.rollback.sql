SELECT "${schema}".wip_view_take('drop', 'wip_view_history');
DROP PROCEDURE "${schema}".refresh_wip_views();
DROP FUNCTION
  "${schema}".refresh_wip_view(text),
  "${schema}".wip_view_fail(bigint, text, text),
  "${schema}".wip_view_run(bigint, boolean),
  "${schema}".wip_view_why_plain(oid),
  "${schema}".wip_view_tidy(text),
  "${schema}".wip_view_request(text, bigint);
DROP VIEW "${schema}".wip_view_history;
