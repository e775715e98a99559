--[[
Accept one message durably and once, and grant its turn if no other turn of the contact runs.

KEYS[1]  session  hash
KEYS[2]  queue    zset   message id -> sent time and arrival
KEYS[3]  bodies   hash   message id -> digest:body
KEYS[4]  mark     string the answer to this message, if it was answered
KEYS[5]  leases   zset   contact -> ms
KEYS[6]  outbox   stream
KEYS[7]  turns    list
KEYS[8]  deadlines zset  contact -> when its session closes
KEYS[9]  erased   hash   contact -> when it was erased, and with which keys
ARGV[1]  contact
ARGV[2]  token          random; the same token enters its own lease again
ARGV[3]  lease_ms
ARGV[4]  kind           turn | change (no mailbox) | sweep (no message)
ARGV[5]  message id     '' for a sweep
ARGV[6]  digest
ARGV[7]  body
ARGV[8]  order_ms       when it was sent
ARGV[9]  max_batch
ARGV[10] mailbox_cap
ARGV[11] outbox_cap
ARGV[12] window         most turn records to return
ARGV[13] held_started   the version that the caller holds, 0 0 for none
ARGV[14] held_version
ARGV[15] previous_ttl_ms how long the document of a session that ends here is kept
ARGV[16] now_ms         '' takes the server's clock
ARGV[17] key id         of the key that the caller seals with, '' for none

Returns {'RUN', fence, version, started_ms, attempt, document, previous, turns, ids, bodies}
      | {'DONE', status, version, reply}   status C answered, D answered with another message of its burst, F given up
      | {'QUEUED', waiting, retry_ms} | {'BEHIND', id, body} | {'EMPTY'} | {'MISMATCH'} | {'FULL'} | {'OVERLOADED'}
      | {'ERASED'} the message is from before the contact's erasure | {'DESTROYED'} the key was
A body is returned as digest:body.
]]
local contact, token, kind, id, digest = ARGV[1], ARGV[2], ARGV[4], ARGV[5], ARGV[6]
local now = tonumber(ARGV[16])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end

local no = refused(KEYS[9], contact, kind == 'turn' and ARGV[8], ARGV[17])
if no then return {no} end

if kind ~= 'sweep' then
  local mark = redis.call('GET', KEYS[4])
  if mark then
    local status, known, version, reply = string.match(mark, '^(%u):([^:]*):(%d+):[^:]*:(.*)$')
    if known ~= digest then return {'MISMATCH'} end
    return {'DONE', status, tonumber(version), reply}
  end
end

local s = redis.call('HMGET', KEYS[1], 'token', 'until_ms', 'fence', 'version', 'started_ms', 'attempt', 'head',
  'resume_ms', 'ended_ms')
local mine = s[1] == token
local held = s[1] and s[1] ~= '' and tonumber(s[2]) > now

if kind == 'turn' then
  local waiting = redis.call('HGET', KEYS[3], id)
  if waiting then
    if string.match(waiting, '^([^:]*):') ~= digest then return {'MISMATCH'} end
  else
    local refusal = accept({session = KEYS[1], queue = KEYS[2], bodies = KEYS[3], outbox = KEYS[6]}, id, digest, ARGV[7],
      ARGV[8], ARGV[10], ARGV[11])
    if refusal then return {refusal} end
  end
end

-- A contact with mail is always in the index of leases, where a sweep finds it: each way out of here and of commit and
-- abort puts it there or leaves it there.
local waiting = redis.call('ZCARD', KEYS[2])
if held and not mine then return {'QUEUED', waiting, tonumber(s[2]) - now} end
local resume = tonumber(s[8] or '0')
if not held and kind ~= 'change' and resume > now then
  -- Workers come back when the pause is over, not before.
  if waiting > 0 then redis.call('ZADD', KEYS[5], resume, contact) end
  return {'QUEUED', waiting, resume - now}
end

local head, attempt, ids = '', 0, {}
if kind ~= 'change' then
  if waiting == 0 then
    redis.call('ZREM', KEYS[5], contact)
    -- A change that crashed before its commit leaves nothing that lives for ever.
    if redis.call('PTTL', KEYS[1]) == -1 then redis.call('PEXPIRE', KEYS[1], ARGV[15]) end
    return {'EMPTY'}
  end
  head = redis.call('ZRANGE', KEYS[2], 0, 0)[1]
  attempt = tonumber(s[6] or '0')
  if not mine then attempt = (s[7] == head) and attempt + 1 or 1 end
  -- After a failure the head message runs alone, so that one poisonous message takes no other down.
  local limit = attempt > 1 and 1 or tonumber(ARGV[9])
  ids = redis.call('ZRANGE', KEYS[2], 0, limit - 1)
  if kind == 'turn' then
    local included = false
    for _, one in ipairs(ids) do included = included or one == id end
    if not included then return {'BEHIND', head, redis.call('HGET', KEYS[3], head)} end
  end
end

-- No sweep came in time: the session ends now, and this turn opens the next one.
local deadline = not held and s[4] and redis.call('ZSCORE', KEYS[8], contact)
if deadline and tonumber(deadline) <= now then
  end_session({session = KEYS[1], outbox = KEYS[6], turns = KEYS[7], deadlines = KEYS[8]}, contact, s[5], s[4],
    s[5] .. ':close', redis.call('HGET', KEYS[1], 'document'), 'expired', ARGV[15])
  s[4], s[5], s[9] = nil, nil, s[5]
end

local fence = tonumber(s[3] or '0')
if not mine then fence = fence + 1 end
-- A session that begins in the millisecond in which the last one ended is still another session.
local started = tonumber(s[5]) or math.max(now, tonumber(s[9] or '0') + 1)
local version = tonumber(s[4] or '0')
local lease = now + tonumber(ARGV[3])
redis.call('HSET', KEYS[1], 'token', token, 'until_ms', lease, 'fence', fence, 'started_ms', started)
if kind ~= 'change' then redis.call('HSET', KEYS[1], 'attempt', attempt, 'head', head, 'resume_ms', 0) end
redis.call('ZADD', KEYS[5], lease, contact)

local document, previous, turns = '', '', {}
local window, from = tonumber(ARGV[12]), tonumber(ARGV[14])
if tonumber(ARGV[13]) == started and from > 0 and from <= version then
  window = math.min(window, version - from)
else
  from = -1
end
if version == 0 then
  previous = redis.call('HGET', KEYS[1], 'previous') or ''
elseif from ~= version then
  document = redis.call('HGET', KEYS[1], 'document')
  if window > 0 then turns = redis.call('LRANGE', KEYS[7], -window, -1) end
end
local bodies = #ids > 0 and redis.call('HMGET', KEYS[3], unpack(ids)) or {}
return {'RUN', fence, version, started, attempt, document, previous, turns, ids, bodies}
