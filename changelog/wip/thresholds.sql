-- What the WIP part adds to the settings: the thresholds of its views, and the view that both of them read.

DO $thresholds$
BEGIN
  IF NOT "${schema}".wip_view_has_column('wip_view_settings', 'stuck_after') THEN
    PERFORM "${schema}".wip_view_acquire_exclusive('change', 'wip_view_settings');
    ALTER TABLE "${schema}".wip_view_settings
      ADD COLUMN stuck_after interval NOT NULL DEFAULT interval '1 hour' CHECK (stuck_after > interval '0'),
      ADD COLUMN bottleneck_above integer NOT NULL DEFAULT 50 CHECK (bottleneck_above >= 0);
    COMMENT ON COLUMN "${schema}".wip_view_settings.stuck_after IS 'An item that waits longer than this at its station is stuck.';
    COMMENT ON COLUMN "${schema}".wip_view_settings.bottleneck_above IS 'A station with more items than this is a bottleneck.';
  END IF;
END
$thresholds$;

UPDATE "${schema}".wip_view_settings
SET stuck_after = coalesce(nullif($value$${stuckAfter}$value$, '')::interval, stuck_after),
    bottleneck_above = coalesce(nullif($value$${bottleneckAbove}$value$, '')::integer, bottleneck_above),
    -- which is told what it says when it is made
    supporting_views = pg_catalog.jsonb_build_object('wip_item_station', NULL) || supporting_views;
