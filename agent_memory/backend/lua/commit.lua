--[[
Commit one turn if nobody overtook it: the document, the turn record, the reply under every message id, the outbox
record, the deadline and the release of the lease, in one step.

KEYS[1] session    hash
KEYS[2] queue      zset
KEYS[3] bodies     hash
KEYS[4] leases     zset
KEYS[5] outbox     stream
KEYS[6] deadlines  zset
KEYS[7] turns      list
KEYS[8] mark of the first message, and so on
ARGV[1]  contact
ARGV[2]  token
ARGV[3]  fence
ARGV[4]  version      the one that the turn was granted at
ARGV[5]  commit id    random, without a colon; the same id again has no further effect
ARGV[6]  document
ARGV[7]  record
ARGV[8]  reply
ARGV[9]  reply_ttl_ms
ARGV[10] ttl_ms       from now to the session's deadline
ARGV[11] life_ms      from now to the keys' own end, should no sweep ever come
ARGV[12] kept         most turn records to keep
ARGV[13] ends         why the session ends with this turn, '' when it goes on
ARGV[14] channel      where the end of the turn is told
ARGV[15] now_ms       '' takes the server's clock
ARGV[16] id of the first message, ARGV[17] its digest, and so on

Returns {'OK', version, left} | {'FENCED'} | {'CONFLICT', version}
]]
local contact, ends = ARGV[1], ARGV[13]
local s = redis.call('HMGET', KEYS[1], 'token', 'fence', 'version', 'commit', 'started_ms', 'resume_ms')
local version = tonumber(ARGV[4]) + 1
if s[4] == ARGV[5] then return {'OK', version, redis.call('ZCARD', KEYS[2])} end
if s[1] ~= ARGV[2] or s[2] ~= ARGV[3] then
  -- This commit may have landed, its answer been lost, and another turn have passed since.
  local mark = redis.call('GET', KEYS[#KEYS])
  if mark and string.match(mark, '^%u:[^:]*:%d+:([^:]*):') == ARGV[5] then
    return {'OK', version, redis.call('ZCARD', KEYS[2])}
  end
  return {'FENCED'}
end
if (s[3] or '0') ~= ARGV[4] then return {'CONFLICT', tonumber(s[3] or '0')} end
-- The lease's end is not tested: nobody took the turn over, so a late commit is safe and saves a paid model call.
local now = tonumber(ARGV[15])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
redis.call('XADD', KEYS[5], '*', 'kind', 'turn', 'contact', contact, 'started', s[5], 'version', version,
  'commit', ARGV[5], 'body', ARGV[7])
local count = (#ARGV - 15) / 2
for i = 1, count do
  local id, digest = ARGV[14 + 2 * i], ARGV[15 + 2 * i]
  -- Of a burst only the last message given here carries the reply that is delivered.
  local status = i == count and 'C' or 'D'
  local mark = table.concat({status, digest, version, ARGV[5], ARGV[8]}, ':')
  redis.call('SET', KEYS[7 + i], mark, 'PX', ARGV[9])
  redis.call('ZREM', KEYS[2], id)
  redis.call('HDEL', KEYS[3], id)
end
if ends == '' then
  redis.call('HSET', KEYS[1], 'document', ARGV[6], 'version', version, 'commit', ARGV[5], 'token', '', 'until_ms', 0)
  if version == 1 then redis.call('HDEL', KEYS[1], 'previous') end
  redis.call('PEXPIRE', KEYS[1], ARGV[11])
  if redis.call('RPUSH', KEYS[7], ARGV[7]) > tonumber(ARGV[12]) then
    redis.call('LTRIM', KEYS[7], -tonumber(ARGV[12]), -1)
  end
  redis.call('PEXPIRE', KEYS[7], ARGV[11])
  redis.call('ZADD', KEYS[6], now + tonumber(ARGV[10]), contact)
else
  end_session({session = KEYS[1], outbox = KEYS[5], turns = KEYS[7], deadlines = KEYS[6]}, contact, s[5], version,
    ARGV[5], ARGV[6], ends, ARGV[11])
end
local left = redis.call('ZCARD', KEYS[2])
-- A change that slips in between two attempts leaves their pause alone.
local resume = math.max(now, tonumber(s[6] or '0'))
if left == 0 then redis.call('ZREM', KEYS[4], contact) else redis.call('ZADD', KEYS[4], resume, contact) end
redis.call('PUBLISH', ARGV[14], contact)
return {'OK', version, left}
