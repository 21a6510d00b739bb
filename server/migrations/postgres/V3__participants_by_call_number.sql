-- A key in the order in which calls began: by the call's random id each call writes a page of its own, somewhere in all of history.
ALTER TABLE call_participants ADD COLUMN call_number BIGINT REFERENCES call_sessions (call_number) ON DELETE CASCADE;
UPDATE call_participants SET call_number = call_sessions.call_number FROM call_sessions WHERE call_sessions.call_id = call_participants.call_id;
ALTER TABLE call_participants ALTER COLUMN call_number SET NOT NULL;
ALTER TABLE call_participants DROP CONSTRAINT call_participants_call_id_fkey;
ALTER TABLE call_participants DROP CONSTRAINT call_participants_pkey;
ALTER TABLE call_participants ADD PRIMARY KEY (call_number, matrix_user_id);
DROP INDEX call_participants_history;
CREATE INDEX call_participants_history ON call_participants (matrix_user_id, called_at);
-- Which calls are old enough to be forgotten, without a look at each.
CREATE INDEX call_sessions_end ON call_sessions (ended_at) WHERE ended_at IS NOT NULL;
