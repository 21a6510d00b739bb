CREATE TABLE call_sessions (
    call_id TEXT PRIMARY KEY,
    room_id TEXT NOT NULL,
    call_type TEXT NOT NULL CHECK (call_type IN ('voice', 'video')),
    status TEXT NOT NULL CHECK (status IN ('ringing', 'active', 'ended', 'rejected', 'missed')),
    initiator_id TEXT NOT NULL,
    whole_room BOOLEAN NOT NULL,
    caller_name TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    started_at TIMESTAMPTZ,
    ended_at TIMESTAMPTZ,
    ended_by TEXT,
    end_reason TEXT,
    deadline TIMESTAMPTZ,
    version BIGINT NOT NULL
);
CREATE UNIQUE INDEX call_sessions_one_live_call_a_room ON call_sessions (room_id) WHERE status IN ('ringing', 'active');
CREATE INDEX call_sessions_deadline ON call_sessions (deadline) WHERE deadline IS NOT NULL;

CREATE TABLE call_participants (
    call_id TEXT NOT NULL REFERENCES call_sessions (call_id) ON DELETE CASCADE,
    matrix_user_id TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('invited', 'ringing', 'joined', 'left', 'rejected', 'missed')),
    audio_enabled BOOLEAN NOT NULL,
    video_enabled BOOLEAN NOT NULL,
    screen_enabled BOOLEAN NOT NULL,
    joined_at TIMESTAMPTZ,
    left_at TIMESTAMPTZ,
    first_device TEXT,
    devices TEXT,
    ring_until TIMESTAMPTZ,
    muted BOOLEAN NOT NULL,
    seen BOOLEAN NOT NULL DEFAULT FALSE,
    called_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (call_id, matrix_user_id)
);
CREATE INDEX call_participants_live ON call_participants (matrix_user_id) WHERE status IN ('invited', 'ringing', 'joined');
CREATE INDEX call_participants_history ON call_participants (matrix_user_id, called_at, call_id);

CREATE TABLE call_events (
    event_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    call_id TEXT NOT NULL REFERENCES call_sessions (call_id) ON DELETE CASCADE,
    matrix_user_id TEXT,
    event_type TEXT NOT NULL,
    metadata TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX call_events_call ON call_events (call_id);

CREATE TABLE idempotency_keys (
    user_id TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    body_hash TEXT NOT NULL,
    call_id TEXT NOT NULL REFERENCES call_sessions (call_id) ON DELETE CASCADE,
    delivery TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (user_id, idempotency_key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
