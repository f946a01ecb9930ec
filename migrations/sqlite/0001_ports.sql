-- The tables behind the ports of crates/store.

-- How far each set has moved. Bumped in the transaction that changes the set; the one of the
-- signing keys is what their compare-and-set compares.
CREATE TABLE revisions (
    name  TEXT    NOT NULL PRIMARY KEY CHECK (name IN ('keys', 'api_keys', 'revocations')),
    value INTEGER NOT NULL
) STRICT;

INSERT INTO revisions (name, value) VALUES ('keys', 0), ('api_keys', 0), ('revocations', 0);

CREATE TABLE keys (
    kid          TEXT    NOT NULL PRIMARY KEY,
    algorithm    TEXT    NOT NULL CHECK (algorithm IN ('EdDSA', 'ES256')),
    stage        TEXT    NOT NULL CHECK (stage IN ('staged', 'active', 'retiring', 'retired')),
    public       BLOB    NOT NULL,
    sealed       BLOB,
    created_at   INTEGER NOT NULL,
    activate_at  INTEGER,
    activated_at INTEGER,
    retire_at    INTEGER,
    retired_at   INTEGER,
    revoked_at   INTEGER
) STRICT;

CREATE TABLE api_keys (
    id           TEXT    NOT NULL PRIMARY KEY,
    name         TEXT    NOT NULL,
    hash         BLOB    NOT NULL CHECK (length(hash) = 32),
    scope        TEXT    NOT NULL CHECK (scope IN ('mint', 'viewer', 'admin')),
    caller       TEXT,
    routes       TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    revoked_at   INTEGER,
    last_used_at INTEGER
) STRICT;

-- A revoked key keeps its record; its name is free again.
CREATE UNIQUE INDEX api_keys_live_name ON api_keys (name) WHERE revoked_at IS NULL;

CREATE TABLE revocations (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    thing        TEXT    NOT NULL
        CHECK (thing IN ('jti', 'subject', 'route', 'kid', 'client_id')),
    value        TEXT    NOT NULL,
    issued_until INTEGER NOT NULL,
    until        INTEGER,
    forget_at    INTEGER NOT NULL,
    reason       TEXT    NOT NULL,
    at           INTEGER NOT NULL
) STRICT;

CREATE INDEX revocations_forget_at ON revocations (forget_at);

CREATE TABLE audit (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    who        TEXT    NOT NULL,
    from_where TEXT    NOT NULL,
    event      TEXT    NOT NULL,
    target     TEXT    NOT NULL,
    why        TEXT    NOT NULL,
    result     TEXT    NOT NULL,
    facts      TEXT    NOT NULL
) STRICT;

CREATE INDEX audit_event ON audit (event, seq);

CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

-- INSERT OR REPLACE deletes without firing the trigger above.
CREATE TRIGGER audit_is_not_replaced BEFORE INSERT ON audit
WHEN EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq)
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

-- The second in which a server last started; one row, never moving back.
CREATE TABLE epoch (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    at INTEGER NOT NULL
) STRICT;
