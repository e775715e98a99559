--[[
Take contacts whose mail is due, for one worker to begin their turns. What is taken is out of sight for a moment, so that
workers that look at once do not all ask for the same turn; whoever takes a contact and dies before its begin only delays it.

KEYS[1] leases  zset  contact -> when its lease or pause ends
ARGV[1] limit
ARGV[2] hold_ms  how long what is taken is out of sight
ARGV[3] now_ms   '' takes the server's clock

Returns {contacts, wait_ms}, longest due first; wait_ms until the next one is due, -1 when none is known
]]
local now = tonumber(ARGV[3])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
for _, contact in ipairs(due) do redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), contact) end
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
return {due, first and math.max(tonumber(first) - now, 0) or -1}
