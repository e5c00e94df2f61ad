DELETE FROM web_sessions WHERE person_id IS NOT NULL;
ALTER TABLE web_sessions DROP COLUMN latest_at, DROP COLUMN claim_value, DROP COLUMN issuer, DROP COLUMN person_name,
  DROP COLUMN person_id;
