--[[
Give a contact the aliases that the channel says it changed to. Never makes a contact.

KEYS[1] merges   hash   'contact contact' -> ms: two contacts that may be one person, for an operator to decide
KEYS[2] merged   hash   contact -> the contact that took its place
KEYS[3] and so on: the old aliases, then the new ones
ARGV[1] count     of the old aliases
ARGV[2] user id   that the new number comes with, '' for none
ARGV[3] ttl_ms
ARGV[4] now_ms    '' takes the server's clock
ARGV[5] and so on: the kind of each alias: u (user id) | p (phone number)

Returns {contact} | {''} when none of the aliases is known
]]
local count = tonumber(ARGV[1])
local now = tonumber(ARGV[4])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local owners, contact, new_number = {}, nil, nil
for i = 3, #KEYS do
  local owner = string.match(redis.call('GET', KEYS[i]) or '', '^([^:]*):')
  if owner and owner ~= '-' then
    owners[i] = redis.call('HGET', KEYS[2], owner) or owner
    contact = contact or owners[i]
  end
  if i > 2 + count and ARGV[i + 2] == 'p' then new_number = KEYS[i] end
end
if not contact then return {''} end
for i = 3, #KEYS do
  local kind, owner = ARGV[i + 2], owners[i]
  if i > 2 + count then
    if owner and owner ~= contact then
      local one, other = contact, owner
      if other < one then one, other = other, one end
      redis.call('HSETNX', KEYS[1], one .. ' ' .. other, now)
    else
      redis.call('SET', KEYS[i], contact .. ':' .. (kind == 'p' and ARGV[2] or ''), 'PX', ARGV[3])
    end
  elseif kind == 'p' and owner == contact and new_number and new_number ~= KEYS[i] then
    -- Somebody else may get this number, and must not become this contact.
    redis.call('SET', KEYS[i], '-:')
  end
end
return {contact}
