-- Part of every script that takes messages in or grants turns.
-- Whether a contact was erased after a message was sent, or the key that the caller seals with was destroyed since.
local function refused(erased, contact, order_ms, sealed_with)
  local at, dead = string.match(redis.call('HGET', erased, contact) or '', '^(%d+):(.*)$')
  if not at then return nil end
  if order_ms and tonumber(order_ms) <= tonumber(at) then return 'ERASED' end
  if sealed_with ~= '' and string.find(dead, sealed_with, 1, true) then return 'DESTROYED' end
end
