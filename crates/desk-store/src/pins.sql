-- Version 2 of the registry: rows of explanations that somebody kept as evidence, with why.

CREATE TABLE pin (
    run        TEXT    NOT NULL REFERENCES run (id),
    row_number INTEGER NOT NULL,
    note       TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    who        TEXT    NOT NULL,
    PRIMARY KEY (run, row_number)
) STRICT, WITHOUT ROWID;
