--[[
Show the first unanswered message of a contact.

KEYS[1] queue   zset
KEYS[2] bodies  hash

Returns {} | {id, digest:body}
]]
local head = redis.call('ZRANGE', KEYS[1], 0, 0)[1]
if not head then return {} end
return {head, redis.call('HGET', KEYS[2], head)}
