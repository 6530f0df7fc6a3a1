-- Version 1 of the registry. Times are microseconds since 1970; digests are 64 hexadecimal digits;
-- JSON is compact text.

CREATE TABLE model (
    id             INTEGER PRIMARY KEY,
    name           TEXT    NOT NULL UNIQUE,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    archived_at    INTEGER,
    version_count  INTEGER NOT NULL DEFAULT 0,
    -- The version with the highest number, kept here too so that a list of models reads one table.
    latest_number     INTEGER NOT NULL DEFAULT 0,
    latest_manifest   TEXT,
    latest_content    TEXT,
    latest_size_bytes INTEGER,
    latest_created_at INTEGER,
    latest_summary    TEXT,
    latest_note       TEXT
) STRICT;
-- With `archived_at` at the end, pages that are skipped are not read.
CREATE INDEX model_by_update ON model (updated_at DESC, id, archived_at);
CREATE INDEX model_by_creation ON model (created_at DESC, id, archived_at);
CREATE INDEX model_by_folded_name ON model (name COLLATE NOCASE, id, archived_at);

CREATE TABLE version (
    id         INTEGER PRIMARY KEY,
    model_id   INTEGER NOT NULL REFERENCES model (id),
    number     INTEGER NOT NULL,
    manifest   TEXT    NOT NULL,
    content    TEXT    NOT NULL,
    size_bytes INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    summary    TEXT    NOT NULL,
    note       TEXT    NOT NULL,
    UNIQUE (model_id, number)
) STRICT;
CREATE INDEX version_by_manifest ON version (manifest);
CREATE INDEX version_by_content ON version (content);

-- Which blobs a version needs besides its manifest.
CREATE TABLE version_blob (
    version_id INTEGER NOT NULL REFERENCES version (id),
    digest     TEXT    NOT NULL,
    PRIMARY KEY (version_id, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX version_blob_by_digest ON version_blob (digest);

CREATE TABLE alias (
    model_id INTEGER NOT NULL REFERENCES model (id),
    name     TEXT    NOT NULL,
    number   INTEGER NOT NULL,
    set_at   INTEGER NOT NULL,
    PRIMARY KEY (model_id, name),
    FOREIGN KEY (model_id, number) REFERENCES version (model_id, number)
) STRICT, WITHOUT ROWID;

-- Every move of an alias; NULL means that it did not exist before or afterwards.
CREATE TABLE alias_move (
    id       INTEGER PRIMARY KEY,
    model_id INTEGER NOT NULL REFERENCES model (id),
    name     TEXT    NOT NULL,
    was      INTEGER,
    now      INTEGER,
    at       INTEGER NOT NULL,
    who      TEXT    NOT NULL
) STRICT;
CREATE INDEX alias_move_by_alias ON alias_move (model_id, name, id);

CREATE TABLE run (
    id         TEXT    PRIMARY KEY,
    kind       TEXT    NOT NULL,
    version    TEXT    NOT NULL,
    data       TEXT,
    params     TEXT    NOT NULL,
    seed       INTEGER,
    runtime    TEXT    NOT NULL,
    device     TEXT    NOT NULL,
    result     TEXT    NOT NULL,
    artifact   TEXT,
    started_at INTEGER NOT NULL,
    seconds    REAL    NOT NULL
) STRICT;
CREATE INDEX run_by_version ON run (version, started_at DESC, id DESC);
CREATE INDEX run_by_time ON run (started_at DESC, id DESC);

CREATE TABLE job (
    id               TEXT    PRIMARY KEY,
    kind             TEXT    NOT NULL,
    title            TEXT    NOT NULL,
    command          TEXT    NOT NULL,
    object           TEXT,
    state            TEXT    NOT NULL,
    progress         TEXT,
    result           TEXT,
    fault            TEXT,
    attempts         INTEGER NOT NULL DEFAULT 0,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    created_at       INTEGER NOT NULL,
    started_at       INTEGER,
    finished_at      INTEGER,
    owner            TEXT,
    lease_until      INTEGER
) STRICT;
CREATE INDEX job_by_creation ON job (created_at DESC, id DESC);
CREATE INDEX job_open ON job (created_at) WHERE state IN ('queued', 'running');

CREATE TABLE credential (
    name       TEXT    PRIMARY KEY,
    kind       TEXT    NOT NULL,
    stored_in  TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE target (
    id         INTEGER PRIMARY KEY,
    name       TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    config     TEXT    NOT NULL,
    credential TEXT,
    known_host TEXT,
    created_at INTEGER NOT NULL,
    removed_at INTEGER
) STRICT;
CREATE UNIQUE INDEX target_by_name ON target (name) WHERE removed_at IS NULL;

CREATE TABLE deployment (
    id             TEXT    PRIMARY KEY,
    target_id      INTEGER NOT NULL REFERENCES target (id),
    model_id       INTEGER NOT NULL REFERENCES model (id),
    version        TEXT    NOT NULL,
    number         INTEGER NOT NULL,
    revision       INTEGER NOT NULL,
    plan           TEXT    NOT NULL,
    state          TEXT    NOT NULL,
    url            TEXT,
    was            TEXT,
    parity         TEXT,
    fault          TEXT,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    owner          TEXT,
    lease_until    INTEGER,
    UNIQUE (target_id, model_id, revision)
) STRICT;
CREATE INDEX deployment_live ON deployment (model_id, target_id) WHERE state = 'live';
CREATE INDEX deployment_open ON deployment (created_at) WHERE state IN ('planned', 'running', 'failed');
CREATE INDEX deployment_by_time ON deployment (updated_at DESC, id DESC);

CREATE TABLE journal (
    deployment TEXT    NOT NULL REFERENCES deployment (id),
    seq        INTEGER NOT NULL,
    step       TEXT    NOT NULL,
    event      TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (deployment, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE operation (
    id        INTEGER PRIMARY KEY,
    at        INTEGER NOT NULL,
    who       TEXT    NOT NULL,
    kind      TEXT    NOT NULL,
    object    TEXT    NOT NULL,
    summary   TEXT    NOT NULL,
    parent    INTEGER REFERENCES operation (id),
    undoes    INTEGER REFERENCES operation (id),
    before    TEXT,
    after     TEXT,
    prev_hash TEXT    NOT NULL,
    hash      TEXT    NOT NULL
) STRICT;
CREATE INDEX operation_by_object ON operation (object, id DESC);
CREATE UNIQUE INDEX operation_undone ON operation (undoes) WHERE undoes IS NOT NULL;

-- Number and hash of the newest operation, so that cut-off ends of the chain are noticed.
CREATE TABLE chain_head (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    id    INTEGER NOT NULL,
    hash  TEXT    NOT NULL
) STRICT;
INSERT INTO chain_head VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');

CREATE TABLE setting (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
