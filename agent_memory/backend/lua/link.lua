--[[
Find the contact behind the aliases of one person, or make one.

KEYS[1] merges   hash   'contact contact' -> ms: two contacts that may be one person, for an operator to decide
KEYS[2] merged   hash   contact -> the contact that took its place
KEYS[3] and so on: the aliases, strongest first: contact:user id that it last came with; '-:' for a number given up
ARGV[1] contact   the id of a new contact
ARGV[2] spare     the id of a new contact whose number somebody else had before
ARGV[3] user id   that came with the number, '' for none
ARGV[4] ttl_ms    how long an alias is kept after it was last seen
ARGV[5] now_ms    '' takes the server's clock
ARGV[6] and so on: the kind of each alias: u (user id) | p (phone number) | m (likely the same number, never surely)

Returns {contact}
]]
local user = ARGV[3]
local now = tonumber(ARGV[5])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local function suspect(one, other)
  if one == other then return end
  if other < one then one, other = other, one end
  redis.call('HSETNX', KEYS[1], one .. ' ' .. other, now)
end

local owners, contact, given_up, doubted = {}, nil, false, nil
for i = 3, #KEYS do
  local kind = ARGV[i + 3]
  local owner, came_with = string.match(redis.call('GET', KEYS[i]) or '', '^([^:]*):(.*)$')
  if owner == '-' then
    given_up = true
  elseif owner then
    owner = redis.call('HGET', KEYS[2], owner) or owner
    owners[i] = owner
    if kind == 'p' and user ~= '' and came_with ~= '' and came_with ~= user then
      -- The number came with another user id before: a new id of the same person, or a number that changed hands.
      doubted = owner
    elseif kind ~= 'm' then
      contact = contact or owner
    end
  end
end
local new = not contact
contact = contact or ((given_up or doubted) and ARGV[2] or ARGV[1])
for i = 3, #KEYS do
  local kind, owner = ARGV[i + 3], owners[i]
  if owner and owner ~= contact and (kind ~= 'm' or new) then suspect(owner, contact) end
  local moves = kind == 'p' and doubted
  local free = not owner and (new or not given_up or kind ~= 'p')
  if free or owner == contact or moves then
    redis.call('SET', KEYS[i], contact .. ':' .. (kind == 'p' and user or ''), 'PX', ARGV[4])
  end
end
return {contact}
