DROP TABLE IF EXISTS open_receipts;
DROP TABLE IF EXISTS receipt_counters;
