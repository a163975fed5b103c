-- The migrated MES: the guide's, with columns that no migration has added yet.
ALTER TABLE wip_items DROP COLUMN serial_id;
ALTER TABLE wip_items DROP COLUMN converted_at;
ALTER TABLE wip_process_history DROP COLUMN rework_reason;
ALTER TABLE wip_process_history DROP COLUMN scan_timestamp;
