--[[
Record what became of one part of a reply: by whoever claimed it, or by a status that came later.

KEYS[1] reply  hash   state, part, token, at_ms, due_ms, code; after_ms: not 0 while the part waits for a status that
                      tells that the one before it arrived
KEYS[2] owed   zset   message id -> sent time
KEYS[3] owing  zset   contact -> when to look again, ms
KEYS[4] reach  hash   sending, sending_ms, waits, as claim leaves them
KEYS[5] undelivered   zset   contact:message id -> since when, ms
ARGV[1] contact
ARGV[2] message id
ARGV[3] token      of the claim, '' for a status
ARGV[4] part
ARGV[5] outcome    sent | delivered | failed | indeterminate | later (not sent, try again) | nothing (to be said)
ARGV[6] more       '1' when another part follows this one
ARGV[7] code       why it failed
ARGV[8] wait_ms    for later; and how long a following part waits until this one is delivered
ARGV[9] ttl_ms
ARGV[10] stuck_ms  how much longer the contact's other replies wait for one that is due
ARGV[11] now_ms    '' takes the server's clock

Returns {'OK'} | {'STALE'} when the reply has moved on
]]
local contact, id, token, outcome = ARGV[1], ARGV[2], ARGV[3], ARGV[5]
local now = tonumber(ARGV[11])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local arrived = outcome == 'delivered'
if arrived then outcome = 'sent' end
local name = contact .. ':' .. id
local r = redis.call('HMGET', KEYS[1], 'state', 'part', 'token', 'after_ms')
local state, part = r[1], tonumber(ARGV[4])
if not state then return {'STALE'} end

if tonumber(r[2]) == part + 1 and token == '' and state == 'generated' and r[4] ~= '0' then
  -- The next part only waits for this status. Without its beginning it is not sent.
  if arrived then
    redis.call('HSET', KEYS[1], 'due_ms', now, 'after_ms', 0)
    redis.call('ZADD', KEYS[3], now, contact)
    return {'OK'}
  elseif outcome ~= 'failed' then
    return {'STALE'}
  end
elseif r[2] ~= ARGV[4] then
  return {'STALE'}
elseif token ~= '' then
  if state ~= 'dispatching' or r[3] ~= token then return {'STALE'} end
elseif state == outcome or (state == 'generated' and outcome ~= 'sent') then
  return {'STALE'}
elseif state == 'failed' and not arrived then
  -- Statuses come in any order; only that it was delivered says more than that it failed.
  return {'STALE'}
end

local stays = outcome == 'later' or (outcome == 'sent' and ARGV[6] == '1')
if stays then
  local due = arrived and now or now + tonumber(ARGV[8])
  local follows = outcome == 'sent'
  state = 'generated'
  redis.call('HSET', KEYS[1], 'state', state, 'part', follows and part + 1 or part, 'due_ms', due, 'token', '',
    'after_ms', follows and due > now and now or 0)
  redis.call('ZADD', KEYS[2], 'NX', now, id)
  redis.call('PEXPIRE', KEYS[2], ARGV[9])
  redis.call('ZADD', KEYS[3], due, contact)
  if redis.call('HGET', KEYS[4], 'sending') == id then
    redis.call('HSET', KEYS[4], 'sending_ms', due + tonumber(ARGV[10]))
  end
else
  if outcome == 'nothing' then
    redis.call('UNLINK', KEYS[1])
  else
    state = outcome
    redis.call('HSET', KEYS[1], 'state', state, 'code', ARGV[7], 'token', '')
  end
  redis.call('ZREM', KEYS[2], id)
  local reach = redis.call('HMGET', KEYS[4], 'sending', 'waits')
  if reach[1] == id then
    redis.call('HDEL', KEYS[4], 'sending', 'sending_ms', 'waits')
    if reach[2] then redis.call('ZADD', KEYS[3], now, contact) end
  end
end
if outcome == 'failed' or outcome == 'indeterminate' then
  redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', now - tonumber(ARGV[9]))
  redis.call('ZADD', KEYS[5], now, name)
else
  redis.call('ZREM', KEYS[5], name)
end
redis.call('PEXPIRE', KEYS[1], ARGV[9])
if redis.call('ZCARD', KEYS[2]) == 0 then redis.call('ZREM', KEYS[3], contact) end
return {'OK'}
