-- Part of every script that ends sessions.
-- End a session: its close record enters the outbox as its document and turns go. Whoever held its lease is fenced.
local function end_session(key, contact, started, version, commit, document, reason, keep_ms)
  redis.call('XADD', key.outbox, '*', 'kind', 'close', 'contact', contact, 'started', started, 'version', version,
    'commit', commit, 'body', document, 'note', reason)
  redis.call('HSET', key.session, 'previous', document, 'ended_ms', started, 'token', '', 'until_ms', 0)
  redis.call('HDEL', key.session, 'document', 'version', 'started_ms')
  redis.call('PEXPIRE', key.session, keep_ms)
  redis.call('UNLINK', key.turns)
  redis.call('ZREM', key.deadlines, contact)
end
