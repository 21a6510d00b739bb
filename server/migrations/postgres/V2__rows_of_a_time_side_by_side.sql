-- A call's id is random: an index in its order writes a page of its own for each call that is under way. In the order in which
-- calls began, all that are under way share a few.
ALTER TABLE call_sessions ADD COLUMN call_number BIGINT GENERATED ALWAYS AS IDENTITY UNIQUE;
ALTER TABLE call_events ADD COLUMN call_number BIGINT REFERENCES call_sessions (call_number) ON DELETE CASCADE;
UPDATE call_events SET call_number = call_sessions.call_number FROM call_sessions WHERE call_sessions.call_id = call_events.call_id;
ALTER TABLE call_events ALTER COLUMN call_number SET NOT NULL;
ALTER TABLE call_events DROP CONSTRAINT call_events_call_id_fkey;
DROP INDEX call_events_call;
CREATE INDEX call_events_call ON call_events (call_number);
