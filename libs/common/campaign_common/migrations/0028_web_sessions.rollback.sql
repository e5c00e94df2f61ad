DROP TABLE IF EXISTS failed_sign_ins;
DROP TABLE IF EXISTS web_sessions;
