ALTER TABLE trial_messages DROP COLUMN receipt_rank, DROP COLUMN receipt_code, DROP COLUMN reported_at;
DROP TABLE IF EXISTS early_receipts;
DROP TABLE IF EXISTS provider_ids;
