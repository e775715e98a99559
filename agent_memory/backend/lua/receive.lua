--[[
Take one message of a channel in, durably and once, without waiting for its turn. A worker finds it when the person has
been quiet for a while, so that a burst becomes one turn.

KEYS[1] session  hash
KEYS[2] queue    zset   message id -> sent time and arrival
KEYS[3] bodies   hash   message id -> digest:body
KEYS[4] mark     string the answer to this message, if it was answered
KEYS[5] leases   zset   contact -> ms
KEYS[6] outbox   stream
KEYS[7] owed     zset   message id -> sent time, until the channel is done with its reply
KEYS[8] owing    zset   contact -> when to look whether a reply was left behind, ms
KEYS[9] reach    hash   address, seen_ms, muted_ms
KEYS[10] erased  hash   contact -> when it was erased, and with which keys
ARGV[1]  contact
ARGV[2]  message id
ARGV[3]  digest
ARGV[4]  body
ARGV[5]  order_ms     when it was sent
ARGV[6]  mailbox_cap
ARGV[7]  outbox_cap
ARGV[8]  quiet_ms     the turn waits until nothing came for so long, 0 takes the message now
ARGV[9]  cap_ms       but no longer than this after the first message of the burst
ARGV[10] most         or until so many wait
ARGV[11] address      where the reply goes; the one of the latest message counts
ARGV[12] look_ms      when to look for a reply that was left behind
ARGV[13] owed_ttl_ms
ARGV[14] reach_ttl_ms
ARGV[15] now_ms       '' takes the server's clock
ARGV[16] channel      where new mail is told
ARGV[17] partition
ARGV[18] key id       of the key that the caller seals with, '' for none

Returns {'NEW', waiting, due_ms} | {'KNOWN'} | {'MISMATCH'} | {'FULL'} | {'OVERLOADED'}
      | {'ERASED'} the message is from before the contact's erasure | {'DESTROYED'} the key was
]]
local contact, id, digest = ARGV[1], ARGV[2], ARGV[3]
local now = tonumber(ARGV[15])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local no = refused(KEYS[10], contact, ARGV[5], ARGV[18])
if no then return {no} end
local known = redis.call('GET', KEYS[4])
known = known and string.match(known, '^%u:([^:]*):') or string.match(redis.call('HGET', KEYS[3], id) or '', '^([^:]*):')
if known then return {known == digest and 'KNOWN' or 'MISMATCH'} end

local first = redis.call('ZCARD', KEYS[2]) == 0
local refusal = accept({session = KEYS[1], queue = KEYS[2], bodies = KEYS[3], outbox = KEYS[6]}, id, digest, ARGV[4],
  ARGV[5], ARGV[6], ARGV[7])
if refusal then return {refusal} end

local s = redis.call('HMGET', KEYS[1], 'token', 'until_ms', 'fence', 'head', 'resume_ms', 'burst_ms', 'burst_fence')
local held = s[1] and s[1] ~= '' and tonumber(s[2]) > now
local fence, quiet, cap = s[3] or '0', tonumber(ARGV[8]), tonumber(ARGV[9])
-- A burst begins with the first message that no turn has been granted for.
local burst = tonumber(s[6] or '0')
if first or s[7] ~= fence then burst = now end
-- What flushes a burst also flushes what still joins it.
if quiet == 0 then burst = now - cap end
local waiting = redis.call('ZCARD', KEYS[2])
local due = math.max(math.min(now + quiet, burst + cap), now)
if waiting >= tonumber(ARGV[10]) then due = now end
-- The pause after a failed attempt stands.
if not held and s[4] and s[4] ~= '' then due = math.max(due, tonumber(s[5] or '0')) end
redis.call('HSET', KEYS[1], 'burst_ms', burst, 'burst_fence', fence, 'resume_ms', due)
-- While a turn runs this index holds the end of its lease; the commit sets it anew.
if not held then
  redis.call('ZADD', KEYS[5], due, contact)
  redis.call('PUBLISH', ARGV[16], ARGV[17] .. ':' .. due - now)
end

redis.call('ZADD', KEYS[7], ARGV[5], id)
redis.call('PEXPIRE', KEYS[7], ARGV[13])
redis.call('ZADD', KEYS[8], 'NX', due + tonumber(ARGV[12]), contact)
if tonumber(ARGV[5]) >= tonumber(redis.call('HGET', KEYS[9], 'seen_ms') or '0') then
  redis.call('HSET', KEYS[9], 'seen_ms', ARGV[5], 'address', ARGV[11])
end
redis.call('PEXPIRE', KEYS[9], ARGV[14])
return {'NEW', waiting, due - now}
