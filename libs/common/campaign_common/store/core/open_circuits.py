"""Providers that no sender can send to at present, by the open breakers of all senders."""

ACCEPTED_FOR = 15
"""Seconds after which an accepted account counts no more, unless it is noted again."""

# The reason is that of one opening: senders of 0.2.0 open again without it. A refused account
# counts only while no other account of its provider is accepted.
BREAKERS = f"""
  SELECT provider, open_until,
    IF(reason_until = open_until, COALESCE(reason, 'circuit_open'), 'circuit_open') AS reason
  FROM provider_breakers
  UNION ALL
  SELECT refused.provider, refused.open_until, 'account_refused'
  FROM provider_account_breakers refused
  WHERE NOT EXISTS (
    SELECT 1 FROM provider_account_breakers accepted
    WHERE accepted.provider = refused.provider
      AND accepted.accepted_at > NOW(6) - INTERVAL {ACCEPTED_FOR} SECOND)
"""
"""Breakers for which no sender can send, open or over: `provider`, `open_until`, `reason`."""

OPEN_CIRCUITS = f"""
SELECT provider, MAX(open_until) AS open_until FROM ({BREAKERS}) breakers
WHERE open_until > NOW(6) GROUP BY provider
"""
"""Providers that no sender can send to at present, each with the end: `provider`, `open_until`."""
