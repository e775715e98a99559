--[[
Carry out what an operator decided of a reply that failed or whose fate nobody knows. Sent twice it has one effect.

KEYS[1] reply        hash   as settle leaves it; decided: what an operator decided last
KEYS[2] owed         zset   message id -> sent time
KEYS[3] owing        zset   contact -> when to look again, ms
KEYS[4] undelivered  zset   contact:message id -> since when, ms
KEYS[5] mark         string the answer to the message
ARGV[1] contact
ARGV[2] message id
ARGV[3] decision     arrived | drop | again
ARGV[4] ttl_ms
ARGV[5] now_ms       '' takes the server's clock

Returns {'OK'} | {'STALE'} when there is nothing to decide any more
]]
local id, decision = ARGV[2], ARGV[3]
local now = tonumber(ARGV[5])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
if redis.call('ZREM', KEYS[4], ARGV[1] .. ':' .. id) == 0 then
  return {redis.call('HGET', KEYS[1], 'decided') == decision and 'OK' or 'STALE'}
end
if not (redis.call('HGET', KEYS[1], 'state') and redis.call('GET', KEYS[5])) then return {'STALE'} end
redis.call('HSET', KEYS[1], 'decided', decision)
if decision == 'again' then
  redis.call('HSET', KEYS[1], 'state', 'generated', 'due_ms', now, 'after_ms', 0, 'token', '')
  redis.call('ZADD', KEYS[2], now, id)
  redis.call('PEXPIRE', KEYS[2], ARGV[4])
  redis.call('ZADD', KEYS[3], now, ARGV[1])
else
  redis.call('HSET', KEYS[1], 'state', decision == 'arrived' and 'sent' or 'failed')
end
return {'OK'}
