-- The journal of a first import of twelve people, in format 2.
PRAGMA application_id=1752327780;
PRAGMA user_version=2;
BEGIN TRANSACTION;
CREATE TABLE scopes (
        id       INTEGER PRIMARY KEY,
        digest   BLOB NOT NULL UNIQUE,
        system   TEXT,
        base_url TEXT
    ) STRICT;
INSERT INTO scopes VALUES(1,X'@SCOPE@','kmi','@BASE_URL@');
CREATE TABLE locks (
        scope INTEGER PRIMARY KEY,
        pid   INTEGER NOT NULL,
        since INTEGER NOT NULL, -- microseconds since 1970
        host  TEXT,
        run   INTEGER
    ) STRICT;
INSERT INTO locks VALUES(1,26695,1795658465284819,'host',1);
CREATE TABLE runs (
        id              INTEGER PRIMARY KEY AUTOINCREMENT,
        scope           INTEGER NOT NULL,
        command         TEXT NOT NULL,
        state           INTEGER NOT NULL,
        feed_path       TEXT NOT NULL,
        from_stdin      INTEGER NOT NULL,
        feed_sha256     BLOB,
        mapping_path    TEXT NOT NULL,
        mapping_sha256  BLOB NOT NULL,
        rows            INTEGER,
        skipped         INTEGER NOT NULL,
        unchanged       INTEGER NOT NULL,
        calls_total     INTEGER NOT NULL DEFAULT 0,
        calls_retried   INTEGER NOT NULL DEFAULT 0,
        calls_throttled INTEGER NOT NULL DEFAULT 0,
        started         INTEGER NOT NULL,
        ended           INTEGER,
        elapsed         INTEGER NOT NULL DEFAULT 0,
        exit_code       INTEGER,
        message         TEXT,
        looked_at       INTEGER,
        pid             INTEGER NOT NULL,
        host            TEXT NOT NULL,
        resumed         INTEGER NOT NULL DEFAULT 0
    ) STRICT;
INSERT INTO runs VALUES(1,1,'import',2,'people.csv',0,X'ae0cef2c8f3614db3827baf6d8dd78565609b5ff83ede055fc60cc7d6d53a875','@MAPPING@',X'd9a7c1629c8cf350f0f4c6c02e089ccf5220fe77b2c581100b04d48cb3636b6e',12,0,0,13,0,0,1795658465286912,1795658465320490,109798,0,NULL,1795658465294806,26695,'host',0);
CREATE TABLE rows (
        run         INTEGER NOT NULL,
        row         INTEGER NOT NULL,
        leaver      TEXT NOT NULL,
        external_id TEXT,
        action      INTEGER,
        outcome     INTEGER,
        status      INTEGER,
        attempts    INTEGER NOT NULL,
        reason      INTEGER,
        at          INTEGER, awaited INTEGER, -- milliseconds that the run had been under way
        PRIMARY KEY (run, row, leaver)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "rows" VALUES(1,2,'','E00001',1,1,201,1,NULL,25,NULL);
INSERT INTO "rows" VALUES(1,3,'','E00002',1,1,201,1,NULL,25,NULL);
INSERT INTO "rows" VALUES(1,4,'','E00003',1,1,201,1,NULL,25,NULL);
INSERT INTO "rows" VALUES(1,5,'','E00004',1,1,201,1,NULL,25,NULL);
INSERT INTO "rows" VALUES(1,6,'','E00005',1,1,201,1,NULL,25,NULL);
INSERT INTO "rows" VALUES(1,7,'','E00006',1,1,201,1,NULL,25,NULL);
INSERT INTO "rows" VALUES(1,8,'','E00007',1,1,201,1,NULL,25,NULL);
INSERT INTO "rows" VALUES(1,9,'','E00008',1,1,201,1,NULL,25,NULL);
INSERT INTO "rows" VALUES(1,10,'','E00009',1,1,201,1,NULL,25,NULL);
INSERT INTO "rows" VALUES(1,11,'','E00010',1,1,201,1,NULL,25,NULL);
INSERT INTO "rows" VALUES(1,12,'','E00011',1,1,201,1,NULL,25,NULL);
INSERT INTO "rows" VALUES(1,13,'','E00012',1,1,201,1,NULL,25,NULL);
CREATE TABLE reasons (
        id      INTEGER PRIMARY KEY,
        code    TEXT,
        message TEXT
    ) STRICT;
CREATE TABLE people (
        scope       INTEGER NOT NULL,
        external_id TEXT NOT NULL,
        remote_id   TEXT,
        fingerprint BLOB,
        state       INTEGER NOT NULL, feed INTEGER, other_feed INTEGER, details BLOB, picture BLOB, awaited BLOB,
        PRIMARY KEY (scope, external_id)
    ) STRICT, WITHOUT ROWID;
INSERT INTO people VALUES(1,'E00001','1',X'b9744b1d2359a37f626656a94a827d2a',1,@FEED@,NULL,NULL,NULL,NULL);
INSERT INTO people VALUES(1,'E00002','2',X'a91b05a897a69f0a81afd336a1824ddb',1,@FEED@,NULL,NULL,NULL,NULL);
INSERT INTO people VALUES(1,'E00003','3',X'5b3534ae980a424c3bf3d13a7cf89e30',1,@FEED@,NULL,NULL,NULL,NULL);
INSERT INTO people VALUES(1,'E00004','4',X'025ebe1a6eaf5b300e09eae819415a84',1,@FEED@,NULL,NULL,NULL,NULL);
INSERT INTO people VALUES(1,'E00005','5',X'9fd0c00ad0437e17a2a8428b7a85e996',1,@FEED@,NULL,NULL,NULL,NULL);
INSERT INTO people VALUES(1,'E00006','6',X'129fd9e496a526b5017baade6562ed8e',1,@FEED@,NULL,NULL,NULL,NULL);
INSERT INTO people VALUES(1,'E00007','7',X'166cd01ca3b4425fc323f28373c13112',1,@FEED@,NULL,NULL,NULL,NULL);
INSERT INTO people VALUES(1,'E00008','8',X'e5f9c9f44d6be8328372b6a62f5bd002',1,@FEED@,NULL,NULL,NULL,NULL);
INSERT INTO people VALUES(1,'E00009','9',X'eb152681f8f501848ce56a2299f22bee',1,@FEED@,NULL,NULL,NULL,NULL);
INSERT INTO people VALUES(1,'E00010','10',X'8de64c678d959f034799fef190ecfe27',1,@FEED@,NULL,NULL,NULL,NULL);
INSERT INTO people VALUES(1,'E00011','11',X'c89df4a33f1e5ef811746bab32ecce88',1,@FEED@,NULL,NULL,NULL,NULL);
INSERT INTO people VALUES(1,'E00012','12',X'5ef53d015e6929dc94f3cd18af993844',1,@FEED@,NULL,NULL,NULL,NULL);
CREATE TABLE given (
        scope       INTEGER NOT NULL,
        external_id TEXT NOT NULL,
        part        INTEGER NOT NULL,
        item        TEXT NOT NULL,
        PRIMARY KEY (scope, external_id, part, item)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE groups (
        scope       INTEGER NOT NULL,
        id          TEXT NOT NULL,
        made        INTEGER NOT NULL,
        feed        INTEGER,
        fingerprint BLOB,
        PRIMARY KEY (scope, id)
    ) STRICT, WITHOUT ROWID;
INSERT INTO sqlite_sequence VALUES('runs',1);
CREATE INDEX runs_of_scope ON runs (scope);
COMMIT;
