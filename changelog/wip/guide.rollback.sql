DROP FUNCTION
  "${schema}".refresh_process_wip_queue(),
  "${schema}".refresh_wip_status_dashboard(),
  "${schema}".refresh_all_wip_views();
