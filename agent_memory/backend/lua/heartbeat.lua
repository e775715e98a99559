#!lua flags=allow-oom
--[[
Renew a lease that is still ours. Allowed when memory is full: losing the lease would waste a paid model call.

KEYS[1] session  hash
KEYS[2] leases   zset  contact -> ms
ARGV[1] contact
ARGV[2] token
ARGV[3] fence
ARGV[4] lease_ms
ARGV[5] now_ms   '' takes the server's clock

Returns {'OK'} | {'LOST'}
]]
local s = redis.call('HMGET', KEYS[1], 'token', 'fence')
if s[1] ~= ARGV[2] or s[2] ~= ARGV[3] then return {'LOST'} end
local now = tonumber(ARGV[5])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local lease = now + tonumber(ARGV[4])
redis.call('HSET', KEYS[1], 'until_ms', lease)
redis.call('ZADD', KEYS[2], lease, ARGV[1])
return {'OK'}
