-- Consents by purpose: which text was shown, as its version and SHA-256, and what the person decided.
DROP VIEW consents;

CREATE VIEW consents AS
SELECT
    contact_id, session_id, version,
    coalesce(data ->> 'purpose', 'service') AS purpose,
    coalesce(data ->> 'action', CASE WHEN (data ->> 'given')::BOOLEAN THEN 'given' ELSE 'refused' END) AS action,
    (data ->> 'given')::BOOLEAN AS given,
    data ->> 'version' AS text_version,
    data ->> 'sha256' AS text_sha256,
    data ->> 'channel' AS channel,
    message, data, time
FROM events WHERE kind = 'consent';
