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
end_session({session = KEYS[1], outbox = KEYS[4], turns = KEYS[5], deadlines = KEYS[3]}, contact, s[4], s[3],
  s[4] .. ':close', s[5], ARGV[2], ARGV[4])
return {'CLOSED', tonumber(s[3])}
