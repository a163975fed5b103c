DROP FUNCTION
  "${schema}".wip_view_duration_text(interval),
  "${schema}".wip_view_command(text[]),
  "${schema}".wip_view_revoke_default_privileges(),
  "${schema}".wip_view_snapshot_objects(),
  "${schema}".wip_view_pin_settings(),
  "${schema}".wip_view_objects(),
  "${schema}".wip_view_acquire_exclusive(text, text),
  "${schema}".wip_view_acquire_exclusive(text, oid[], timestamptz, text),
  "${schema}".wip_view_holders(oid[]),
  "${schema}".wip_view_try_lock(oid[], interval),
  "${schema}".wip_view_limit_lock_waits(interval),
  "${schema}".wip_view_release();
