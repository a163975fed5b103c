DROP FUNCTION
  "${schema}".refresh_process_wip_queue(),
  "${schema}".refresh_wip_status_dashboard();
