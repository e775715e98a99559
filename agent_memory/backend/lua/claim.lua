--[[
Take the next reply that the channel owes a contact, for one attempt to send it.

A reply is generated when the turn's commit marks its message. It is claimed once: whoever claims it and falls silent
leaves it indeterminate, because it may have been sent. The replies of a contact leave one after the other: while one
is on its way, or waits for its next part, the others wait.

KEYS[1] owed   zset   message id -> sent time
KEYS[2] owing  zset   contact -> when to look again, ms
KEYS[3] reach  hash   address, seen_ms, muted_ms; sending, sending_ms: the reply that is leaving, and until when at
                      most the others wait for it; waits: '1' when one does
KEYS[4] undelivered  zset  contact:message id -> ms
KEYS[5] mark of the first message, KEYS[6] its reply (hash: state, part, token, at_ms, due_ms, code), and so on
ARGV[1] contact
ARGV[2] token       random; the same token takes the same reply again
ARGV[3] stuck_ms    a send that is silent for so long is indeterminate
ARGV[4] ttl_ms      how long the state of a reply is kept
ARGV[5] look_ms     when to look again at messages without an answer
ARGV[6] now_ms      '' takes the server's clock
ARGV[7] and so on: the ids of the messages

Returns {'SEND', id, part, status, reply, address, seen_ms} status C or F (the message was given up)
      | {'NONE', left, withheld, indeterminate}
]]
local contact, token = ARGV[1], ARGV[2]
local now = tonumber(ARGV[6])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local reach = redis.call('HMGET', KEYS[3], 'address', 'seen_ms', 'muted_ms', 'sending', 'sending_ms')
local leaving = reach[4] and tonumber(reach[5]) > now and reach[4]
local muted = tonumber(reach[3] or '0') > now
local withheld, indeterminate = 0, 0
local look = now + tonumber(ARGV[5])

local function rest(id, reply, ...)
  if select('#', ...) > 0 then
    redis.call('HSET', reply, ...)
    redis.call('PEXPIRE', reply, ARGV[4])
  end
  redis.call('ZREM', KEYS[1], id)
end

for i = 7, #ARGV do
  local id, mark, reply = ARGV[i], KEYS[2 * i - 9], KEYS[2 * i - 8]
  local owed = redis.call('ZSCORE', KEYS[1], id)
  local r = owed and redis.call('HMGET', reply, 'state', 'part', 'token', 'at_ms', 'due_ms') or {}
  local state, ready = r[1], false
  if state == 'dispatching' and r[3] == token then
    ready = true
  elseif state == 'dispatching' then
    local silent_at = tonumber(r[4]) + tonumber(ARGV[3])
    if silent_at <= now then
      rest(id, reply, 'state', 'indeterminate')
      redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', now - tonumber(ARGV[4]))
      redis.call('ZADD', KEYS[4], now, contact .. ':' .. id)
      indeterminate = indeterminate + 1
    else
      look = math.min(look, silent_at)
    end
  elseif state == 'generated' then
    ready = tonumber(r[5]) <= now
    if not ready then look = math.min(look, tonumber(r[5])) end
  elseif state then
    rest(id, reply)
  end
  local answer = owed and (ready or not state) and redis.call('GET', mark)
  if answer then
    local status, text = string.match(answer, '^(%u):[^:]*:%d+:[^:]*:(.*)$')
    if status == 'D' then
      rest(id, reply)
    elseif muted and (not state or state == 'generated') then
      rest(id, reply, 'state', 'failed', 'code', 'muted')
      withheld = withheld + 1
    elseif leaving and leaving ~= id then
      redis.call('HSET', KEYS[3], 'waits', 1)
    else
      local part = tonumber(r[2] or '0')
      redis.call('HSET', reply, 'state', 'dispatching', 'part', part, 'token', token, 'at_ms', now)
      redis.call('PEXPIRE', reply, ARGV[4])
      if reach[1] then redis.call('HSET', KEYS[3], 'sending', id, 'sending_ms', now + tonumber(ARGV[3])) end
      redis.call('ZADD', KEYS[2], now + tonumber(ARGV[3]), contact)
      return {'SEND', id, part, status, text, reach[1] or '', tonumber(reach[2] or '0')}
    end
  end
end
local left = redis.call('ZCARD', KEYS[1])
if left == 0 then redis.call('ZREM', KEYS[2], contact) else redis.call('ZADD', KEYS[2], look, contact) end
return {'NONE', left, withheld, indeterminate}
