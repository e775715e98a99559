-- What people asked for and where it stands, the most urgent first. `contact` is a contact's id, or empty for all.
WITH stands AS (
    SELECT
        number, contact_id, kind, arg_max(step, place) AS step, min(time) AS opened, min(due) AS due,
        max(time) AS updated, arg_min(actor, place) AS opened_by, arg_max(actor, place) AS updated_by,
        arg_min(message, place) AS message
    FROM (SELECT *, rowid AS place FROM requests WHERE $contact = '' OR contact_id = $contact)
    GROUP BY number, contact_id, kind
)
FROM stands ORDER BY step <> 'opened', due, number LIMIT $limit
