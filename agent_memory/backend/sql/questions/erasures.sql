-- Who was erased, and when in ms.
SELECT contact_id, at_ms FROM erasures ORDER BY at_ms
