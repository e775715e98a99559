--[[
Record what became of one part of a reply: by whoever claimed it, or by a status that came later.

KEYS[1] reply  hash   state, part, token, at_ms, due_ms, code
KEYS[2] owed   zset   message id -> sent time
KEYS[3] owing  zset   contact -> when to look again, ms
ARGV[1] contact
ARGV[2] message id
ARGV[3] token      of the claim, '' for a status
ARGV[4] part
ARGV[5] outcome    sent | failed | indeterminate | later (not sent, try again) | nothing (there was nothing to say)
ARGV[6] more       '1' when another part follows this one
ARGV[7] code       why it failed
ARGV[8] wait_ms    for later
ARGV[9] ttl_ms
ARGV[10] now_ms    '' takes the server's clock

Returns {'OK', state} | {'STALE', state} when the reply has moved on
]]
local contact, id, token, outcome = ARGV[1], ARGV[2], ARGV[3], ARGV[5]
local now = tonumber(ARGV[10])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local r = redis.call('HMGET', KEYS[1], 'state', 'part', 'token')
local state = r[1]
if not state or r[2] ~= ARGV[4] then return {'STALE', state or ''} end
if token ~= '' then
  if state ~= 'dispatching' or r[3] ~= token then return {'STALE', state} end
elseif state == outcome or state == 'generated' or (outcome == 'sent' and state == 'failed') then
  return {'STALE', state}
end

if outcome == 'nothing' then
  redis.call('UNLINK', KEYS[1])
  redis.call('ZREM', KEYS[2], id)
elseif outcome == 'later' or (outcome == 'sent' and ARGV[6] == '1') then
  local part = tonumber(ARGV[4])
  local due = now + (outcome == 'later' and tonumber(ARGV[8]) or 0)
  state = 'generated'
  redis.call('HSET', KEYS[1], 'state', state, 'part', outcome == 'later' and part or part + 1, 'due_ms', due, 'token', '')
  redis.call('ZADD', KEYS[2], 'NX', now, id)
  redis.call('ZADD', KEYS[3], due, contact)
else
  state = outcome
  redis.call('HSET', KEYS[1], 'state', state, 'code', ARGV[7], 'token', '')
  redis.call('ZREM', KEYS[2], id)
end
redis.call('PEXPIRE', KEYS[1], ARGV[9])
if redis.call('ZCARD', KEYS[2]) == 0 then redis.call('ZREM', KEYS[3], contact) end
return {'OK', state}
