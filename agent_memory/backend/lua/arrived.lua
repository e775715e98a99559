--[[
Name the messages that came in while a turn runs, so that it can answer them too.

KEYS[1] session hash
KEYS[2] queue   zset
KEYS[3] bodies  hash
ARGV[1] token
ARGV[2] fence
ARGV[3] and so on: the ids that the turn has

Returns {'OK', ids, bodies} | {'LOST'}. A body is returned as digest:body.
]]
local s = redis.call('HMGET', KEYS[1], 'token', 'fence')
if s[1] ~= ARGV[1] or s[2] ~= ARGV[2] then return {'LOST'} end
local known, ids = {}, {}
for i = 3, #ARGV do known[ARGV[i]] = true end
for _, id in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  if not known[id] then ids[#ids + 1] = id end
end
return {'OK', ids, #ids > 0 and redis.call('HMGET', KEYS[3], unpack(ids)) or {}}
