-- Drops what an earlier version named differently. This runs last, since a refresh that began before the deploy calls it until
-- its functions have been replaced.
SET LOCAL client_min_messages = warning;

DROP FUNCTION IF EXISTS
  "${schema}".wip_view_await_turn("${schema}".wip_view_refresh, boolean),
  "${schema}".wip_view_deny(oid, text),
  "${schema}".wip_view_drop_left_over(name, boolean),
  "${schema}".wip_view_give_attributes(text, text[]),
  "${schema}".wip_view_give_returned_columns(text, text[], text[]),
  "${schema}".wip_view_give_rights(text),
  "${schema}".wip_view_lock(oid[], interval),
  "${schema}".wip_view_note(),
  "${schema}".wip_view_own(),
  "${schema}".wip_view_pin(),
  "${schema}".wip_view_recreate_command(text),
  "${schema}".wip_view_remember(text),
  "${schema}".wip_view_support(text),
  "${schema}".wip_view_take(text, oid[], timestamptz),
  "${schema}".wip_view_take(text, oid[], timestamptz, text),
  "${schema}".wip_view_take(text, text),
  "${schema}".wip_view_take_turn(text, text),
  "${schema}".wip_view_tidy(text);

DO $columns$
BEGIN
  IF "${schema}".wip_view_has_column('wip_view_settings', 'reader_role') THEN
    PERFORM "${schema}".wip_view_acquire_exclusive('change', 'wip_view_settings');
    ALTER TABLE "${schema}".wip_view_settings DROP COLUMN refresher_role, DROP COLUMN reader_role;
  END IF;
END
$columns$;
