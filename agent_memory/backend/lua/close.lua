--[[
End a session in one step: its close record enters the outbox as its document and turns go.

KEYS[1] session    hash
KEYS[2] queue      zset
KEYS[3] deadlines  zset
KEYS[4] outbox     stream
KEYS[5] turns      list
ARGV[1] contact
ARGV[2] reason
ARGV[3] force           '1' closes before the deadline
ARGV[4] previous_ttl_ms how long the document is kept for a contact who returns
ARGV[5] retry_ms        when a busy session is looked at again
ARGV[6] now_ms          '' takes the server's clock

Returns {'CLOSED', version} | {'BUSY'} | {'SKIP'}
]]
local contact = ARGV[1]
local now = tonumber(ARGV[6])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local deadline = redis.call('ZSCORE', KEYS[3], contact)
if ARGV[3] ~= '1' and (not deadline or tonumber(deadline) > now) then return {'SKIP'} end
local s = redis.call('HMGET', KEYS[1], 'token', 'until_ms', 'version', 'started_ms', 'document')
if not s[5] then
  redis.call('ZREM', KEYS[3], contact)
  return {'SKIP'}
end
if (s[1] and s[1] ~= '' and tonumber(s[2]) > now) or redis.call('ZCARD', KEYS[2]) > 0 then
  redis.call('ZADD', KEYS[3], math.max(tonumber(deadline or '0'), now + tonumber(ARGV[5])), contact)
  return {'BUSY'}
end
redis.call('XADD', KEYS[4], '*', 'kind', 'close', 'contact', contact, 'started', s[4], 'version', s[3],
  'commit', s[4] .. ':close', 'body', s[5], 'note', ARGV[2])
redis.call('HSET', KEYS[1], 'previous', s[5], 'ended_ms', s[4], 'token', '', 'until_ms', 0)
redis.call('HDEL', KEYS[1], 'document', 'version', 'started_ms', 'attempt', 'head')
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('UNLINK', KEYS[5])
redis.call('ZREM', KEYS[3], contact)
return {'CLOSED', tonumber(s[3])}
