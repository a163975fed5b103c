SELECT "${schema}".wip_view_acquire_exclusive('drop', 'wip_view_history');
SELECT "${schema}".wip_view_acquire_exclusive('drop', 'wip_view_frozen');
SELECT "${schema}".wip_view_acquire_exclusive('drop', 'wip_view_running');
SELECT "${schema}".wip_view_acquire_exclusive('drop', 'wip_view_order');
DROP PROCEDURE "${schema}".refresh_wip_views();
DROP FUNCTION
  "${schema}".refresh_wip_view_if_changed(text, interval),
  "${schema}".wip_view_note_source_state(text, text),
  "${schema}".wip_view_changed(text, interval),
  "${schema}".wip_view_why_not_counted(oid),
  "${schema}".wip_view_source_state(oid),
  "${schema}".wip_view_sources(text),
  "${schema}".wip_view_read_objects(oid),
  "${schema}".wip_view_try_run(bigint),
  "${schema}".refresh_wip_view(text),
  "${schema}".wip_view_run_source("${schema}".wip_view_refresh, boolean, text),
  "${schema}".wip_view_fail(bigint, text, text),
  "${schema}".wip_view_prune(text),
  "${schema}".wip_view_run(bigint, boolean),
  "${schema}".wip_view_open(bigint),
  "${schema}".wip_view_await("${schema}".wip_view_refresh, boolean),
  "${schema}".wip_view_try_turn("${schema}".wip_view_refresh, boolean, boolean),
  "${schema}".wip_view_await_sources(text),
  "${schema}".wip_view_served_by("${schema}".wip_view_refresh),
  "${schema}".wip_view_perform("${schema}".wip_view_refresh),
  "${schema}".wip_view_notify(text, bigint, bigint, timestamptz),
  "${schema}".wip_view_rows_as_of(text, timestamptz, jsonb),
  "${schema}".wip_view_all_rows_as_of(),
  "${schema}".wip_view_relation(text),
  "${schema}".wip_view_count(text, bigint),
  "${schema}".wip_view_source_refresh_no(text),
  "${schema}".wip_view_begin(text),
  "${schema}".wip_view_why_plain(oid),
  "${schema}".wip_view_request_with_sources(text, interval),
  "${schema}".wip_view_request_all(),
  "${schema}".wip_view_request_each(text[]),
  "${schema}".wip_view_request(text, bigint),
  "${schema}".wip_view_check_registered(text),
  "${schema}".wip_view_current_name(text),
  "${schema}".wip_view_advance_numbers(),
  "${schema}".wip_view_served_from(text),
  "${schema}".wip_view_is_under_way(text),
  "${schema}".wip_view_is_frozen(text),
  "${schema}".wip_view_one_snapshot();
DROP VIEW
  "${schema}".wip_view_frozen,
  "${schema}".wip_view_history,
  "${schema}".wip_view_running,
  "${schema}".wip_view_order;
