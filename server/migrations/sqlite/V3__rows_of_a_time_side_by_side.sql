-- A call's id is random. Where rows or keys are in its order, each call that is under way has pages of its own, which every step
-- writes anew, to the log and then to the file. In the order in which calls began, all that are under way share a few pages. Only
-- the two keys that find a call by its id stay random, and only the first step writes them. Foreign keys are off while this runs.
CREATE TABLE call_sessions_anew (
    call_number INTEGER PRIMARY KEY,
    call_id TEXT NOT NULL UNIQUE,
    room_id TEXT NOT NULL,
    call_type TEXT NOT NULL CHECK (call_type IN ('voice', 'video')),
    status TEXT NOT NULL CHECK (status = 'ringing' OR status = 'active' OR status = 'ended' OR status = 'rejected' OR status = 'missed'),
    initiator_id TEXT NOT NULL,
    whole_room INTEGER NOT NULL,
    caller_name TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    started_at TEXT,
    ended_at TEXT,
    ended_by TEXT,
    end_reason TEXT,
    deadline TEXT,
    version INTEGER NOT NULL
) STRICT;
INSERT INTO call_sessions_anew SELECT rowid, * FROM call_sessions ORDER BY rowid;
DROP TABLE call_sessions;
ALTER TABLE call_sessions_anew RENAME TO call_sessions;
CREATE UNIQUE INDEX call_sessions_one_live_call_a_room ON call_sessions (room_id) WHERE status IN ('ringing', 'active');
CREATE INDEX call_sessions_deadline ON call_sessions (deadline) WHERE deadline IS NOT NULL;

CREATE TABLE call_participants_anew (
    call_id TEXT NOT NULL REFERENCES call_sessions (call_id) ON DELETE CASCADE,
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
    PRIMARY KEY (call_id, matrix_user_id)
) STRICT;
INSERT INTO call_participants_anew SELECT * FROM call_participants ORDER BY called_at;
DROP TABLE call_participants;
ALTER TABLE call_participants_anew RENAME TO call_participants;
CREATE INDEX call_participants_live ON call_participants (matrix_user_id)
    WHERE status = 'invited' OR status = 'ringing' OR status = 'joined';
CREATE INDEX call_participants_history ON call_participants (matrix_user_id, called_at, call_id);

CREATE TABLE call_events_anew (
    event_id INTEGER PRIMARY KEY,
    call_number INTEGER NOT NULL REFERENCES call_sessions (call_number) ON DELETE CASCADE,
    call_id TEXT NOT NULL,
    matrix_user_id TEXT,
    event_type TEXT NOT NULL,
    metadata TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT;
INSERT INTO call_events_anew
    SELECT e.event_id, s.call_number, e.call_id, e.matrix_user_id, e.event_type, e.metadata, e.created_at
    FROM call_events e JOIN call_sessions s ON s.call_id = e.call_id ORDER BY e.event_id;
DROP TABLE call_events;
ALTER TABLE call_events_anew RENAME TO call_events;
CREATE INDEX call_events_call ON call_events (call_number);
