-- Participants lie in the order in which calls began, in one tree: by the call's random id they needed a second, in which each call
-- writes a page of its own, somewhere in all of history. Foreign keys are off while this runs.
CREATE TABLE call_participants_anew (
    call_number INTEGER NOT NULL REFERENCES call_sessions (call_number) ON DELETE CASCADE,
    call_id TEXT NOT NULL,
    matrix_user_id TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status = 'invited' OR status = 'ringing' OR status = 'joined' OR status = 'left' OR status = 'rejected' OR status = 'missed'),
    audio_enabled INTEGER NOT NULL,
    video_enabled INTEGER NOT NULL,
    screen_enabled INTEGER NOT NULL,
    joined_at TEXT,
    left_at TEXT,
    first_device TEXT,
    devices TEXT,
    ring_until TEXT,
    muted INTEGER NOT NULL,
    seen INTEGER NOT NULL DEFAULT 0,
    called_at TEXT NOT NULL,
    PRIMARY KEY (call_number, matrix_user_id)
) STRICT, WITHOUT ROWID;
INSERT INTO call_participants_anew
    SELECT s.call_number, p.* FROM call_participants p JOIN call_sessions s ON s.call_id = p.call_id ORDER BY s.call_number, p.matrix_user_id;
DROP TABLE call_participants;
ALTER TABLE call_participants_anew RENAME TO call_participants;
CREATE INDEX call_participants_live ON call_participants (matrix_user_id)
    WHERE status = 'invited' OR status = 'ringing' OR status = 'joined';
CREATE INDEX call_participants_history ON call_participants (matrix_user_id, called_at);
-- Which calls are old enough to be forgotten, without a look at each.
CREATE INDEX call_sessions_end ON call_sessions (ended_at) WHERE ended_at IS NOT NULL;
