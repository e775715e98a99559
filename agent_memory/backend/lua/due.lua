--[[
Name the contacts of one partition that need a worker now.

KEYS[1] leases     zset  contact -> when its lease or pause ends
KEYS[2] deadlines  zset  contact -> when its session closes
ARGV[1] limit
ARGV[2] idle_ms    how long mail must have waited
ARGV[3] now_ms     '' takes the server's clock

Returns {contacts with mail and no live lease, contacts past their deadline}, longest first
]]
local now = tonumber(ARGV[3])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
return {
  redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]), 'LIMIT', 0, ARGV[1]),
  redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, ARGV[1]),
}
