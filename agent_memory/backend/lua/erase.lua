--[[
Take everything of one contact out of its partition, and remember that it was erased: what was sent before stays out,
and what was sealed with a destroyed key is refused. Marks and replies are keys of their own, which the caller removes.

KEYS[1]  session   hash
KEYS[2]  turns     list
KEYS[3]  queue     zset
KEYS[4]  bodies    hash
KEYS[5]  owed      zset
KEYS[6]  reach     hash
KEYS[7]  leases    zset
KEYS[8]  deadlines zset
KEYS[9]  owing     zset
KEYS[10] erased    hash   contact -> ms:ids of destroyed keys
ARGV[1] contact
ARGV[2] key id   of the key that was destroyed, '' for none
ARGV[3] at_ms    when it was erased; '' takes the server's clock. The latest time counts
ARGV[4] channel  where a waiting turn is told
ARGV[5] now_ms   '' takes the server's clock

Returns {at_ms, whether a session was open, turns, messages that waited, replies owed, whether an address was known}
]]
local contact, key = ARGV[1], ARGV[2]
local at = tonumber(ARGV[3]) or tonumber(ARGV[5])
if not at then
  local t = redis.call('TIME')
  at = t[1] * 1000 + math.floor(t[2] / 1000)
end
local before, dead = string.match(redis.call('HGET', KEYS[10], contact) or '', '^(%d+):(.*)$')
at = math.max(at, tonumber(before or '0'))
dead = dead or ''
if key ~= '' and not string.find(dead, key, 1, true) then dead = dead .. key .. ' ' end
redis.call('HSET', KEYS[10], contact, at .. ':' .. dead)

local found = {
  at, redis.call('HEXISTS', KEYS[1], 'document'), redis.call('LLEN', KEYS[2]), redis.call('ZCARD', KEYS[3]),
  redis.call('ZCARD', KEYS[5]), redis.call('EXISTS', KEYS[6]),
}
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6])
redis.call('ZREM', KEYS[7], contact)
redis.call('ZREM', KEYS[8], contact)
redis.call('ZREM', KEYS[9], contact)
redis.call('PUBLISH', ARGV[4], contact)
return found
