#!lua flags=allow-oom
--[[
Give a turn back: pause and try again, hand it over at once, or give its first message up.

KEYS[1] session  hash
KEYS[2] queue    zset
KEYS[3] bodies   hash
KEYS[4] leases   zset
KEYS[5] outbox   stream
KEYS[6] counts   hash
KEYS[7] mark of the head message
ARGV[1]  contact
ARGV[2]  token
ARGV[3]  fence
ARGV[4]  outcome       retry | release | fail
ARGV[5]  max_attempts
ARGV[6]  error         for the dead letter
ARGV[7]  reply         the apology stored when the message is given up
ARGV[8]  reply_ttl_ms
ARGV[9]  backoff_ms    doubled with each attempt after the first
ARGV[10] head id       the first message of the turn, '' for a change
ARGV[11] head digest
ARGV[12] channel
ARGV[13] now_ms        '' takes the server's clock

Returns {'RETRY', left} | {'DEAD', left} | {'FENCED'}
]]
local contact, outcome, head = ARGV[1], ARGV[4], ARGV[10]
local s = redis.call('HMGET', KEYS[1], 'token', 'fence', 'attempt', 'aborted', 'version', 'started_ms', 'resume_ms')
-- The answer to this abort was lost and it came again.
if s[4] and s[4] == ARGV[2] .. ':dead' then return {'DEAD', redis.call('ZCARD', KEYS[2])} end
if s[4] and s[4] == ARGV[2] then return {'RETRY', redis.call('ZCARD', KEYS[2])} end
if s[1] ~= ARGV[2] or s[2] ~= ARGV[3] then return {'FENCED'} end
local now = tonumber(ARGV[13])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local attempt = tonumber(s[3] or '0')
local dead = head ~= '' and (outcome == 'fail' or (outcome == 'retry' and attempt >= tonumber(ARGV[5])))
-- A change given back leaves the count and the pause of the mailbox alone.
local resume = math.max(now, tonumber(s[7] or '0'))
if dead then
  redis.call('XADD', KEYS[5], '*', 'kind', 'dead', 'contact', contact, 'started', s[6] or '0', 'version', s[5] or '0',
    'commit', ARGV[2], 'body', string.match(redis.call('HGET', KEYS[3], head), ':(.*)$'), 'note', ARGV[6])
  local mark = table.concat({'F', ARGV[11], s[5] or '0', ARGV[2], ARGV[7]}, ':')
  redis.call('SET', KEYS[7], mark, 'PX', ARGV[8])
  redis.call('ZREM', KEYS[2], head)
  redis.call('HDEL', KEYS[3], head)
  redis.call('HINCRBY', KEYS[6], 'dead', 1)
elseif head ~= '' and outcome == 'release' then
  redis.call('HSET', KEYS[1], 'attempt', attempt - 1)
elseif head ~= '' then
  resume = now + tonumber(ARGV[9]) * 2 ^ (attempt - 1)
  redis.call('HSET', KEYS[1], 'resume_ms', resume)
end
redis.call('HSET', KEYS[1], 'token', '', 'until_ms', 0, 'aborted', dead and ARGV[2] .. ':dead' or ARGV[2])
local left = redis.call('ZCARD', KEYS[2])
if left > 0 then
  redis.call('ZADD', KEYS[4], resume, contact)
else
  redis.call('ZREM', KEYS[4], contact)
  -- A contact whose only message was given up leaves nothing that lives for ever.
  if redis.call('PTTL', KEYS[1]) == -1 then redis.call('PEXPIRE', KEYS[1], ARGV[8]) end
end
redis.call('PUBLISH', ARGV[12], contact)
return {dead and 'DEAD' or 'RETRY', left}
