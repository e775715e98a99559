-- Part of every script that takes messages in.
-- Put a message into the mailbox, in the order in which messages were sent. Returns why it is refused, or nil.
local function accept(key, id, digest, body, order_ms, mailbox_cap, outbox_cap)
  if redis.call('XLEN', key.outbox) >= tonumber(outbox_cap) then return 'OVERLOADED' end
  local waiting = redis.call('ZCARD', key.queue)
  if waiting >= tonumber(mailbox_cap) then return 'FULL' end
  -- Messages sent in the same millisecond (WhatsApp counts seconds) keep the order in which they came: 10 bits below
  -- the time count arrivals, from 0 whenever the mailbox was empty.
  if waiting == 0 then redis.call('HSET', key.session, 'arrivals', 0) end
  local arrival = redis.call('HINCRBY', key.session, 'arrivals', 1) % 1024
  redis.call('HSET', key.bodies, id, digest .. ':' .. body)
  redis.call('ZADD', key.queue, tonumber(order_ms) * 1024 + arrival, id)
end
