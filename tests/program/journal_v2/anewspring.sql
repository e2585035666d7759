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
INSERT INTO scopes VALUES(1,X'@SCOPE@','anewspring','@BASE_URL@');
CREATE TABLE locks (
        scope INTEGER PRIMARY KEY,
        pid   INTEGER NOT NULL,
        since INTEGER NOT NULL, -- microseconds since 1970
        host  TEXT,
        run   INTEGER
    ) STRICT;
INSERT INTO locks VALUES(1,26707,1795658465398298,'host',1);
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
INSERT INTO runs VALUES(1,1,'import',2,'people.csv',0,X'052895dfc7b7964ecee779e52ba90dce612f167ad6be303bcf0e551ea2869706','@MAPPING@',X'21f8488166f211d3dbf080c31d5d1f3ae4563fab8cd8ba9fec2ca491627b4227',12,0,0,13,0,0,1795658465401788,1795658465450630,105554,0,NULL,1795658465416647,26707,'host',0);
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
INSERT INTO "rows" VALUES(1,2,'','E00001',1,1,200,1,NULL,40,NULL);
INSERT INTO "rows" VALUES(1,3,'','E00002',1,1,200,1,NULL,40,NULL);
INSERT INTO "rows" VALUES(1,4,'','E00003',1,1,200,1,NULL,40,NULL);
INSERT INTO "rows" VALUES(1,5,'','E00004',1,1,200,1,NULL,40,NULL);
INSERT INTO "rows" VALUES(1,6,'','E00005',1,1,200,1,NULL,40,NULL);
INSERT INTO "rows" VALUES(1,7,'','E00006',1,1,200,1,NULL,40,NULL);
INSERT INTO "rows" VALUES(1,8,'','E00007',1,1,200,1,NULL,40,NULL);
INSERT INTO "rows" VALUES(1,9,'','E00008',1,1,200,1,NULL,40,NULL);
INSERT INTO "rows" VALUES(1,10,'','E00009',1,1,200,1,NULL,40,NULL);
INSERT INTO "rows" VALUES(1,11,'','E00010',1,1,200,1,NULL,47,NULL);
INSERT INTO "rows" VALUES(1,12,'','E00011',1,1,200,1,NULL,47,NULL);
INSERT INTO "rows" VALUES(1,13,'','E00012',1,1,200,1,NULL,47,NULL);
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
INSERT INTO people VALUES(1,'E00001',NULL,X'0a9960c34c2869d3b0344a82fe02fd25',1,@FEED@,NULL,X'5b91fef512ee6992171a5c47f21b87ab',NULL,NULL);
INSERT INTO people VALUES(1,'E00002',NULL,X'590dfc9b659444a4d5e010004dfac9d6',1,@FEED@,NULL,X'd50f46bb9b977b2f5a0ce572ab97b2ed',NULL,NULL);
INSERT INTO people VALUES(1,'E00003',NULL,X'61bb04decf649ed9aef13bd55643f34a',1,@FEED@,NULL,X'a56c1d733bef0b86b237a49ccf68dbf2',NULL,NULL);
INSERT INTO people VALUES(1,'E00004',NULL,X'88592faacc6e27b818644101d703a9bd',1,@FEED@,NULL,X'4315856306fcbe9d7a2830c1b69a565b',NULL,NULL);
INSERT INTO people VALUES(1,'E00005',NULL,X'45c50734f136b2c5081316e44ba5b636',1,@FEED@,NULL,X'7e718759a2792747361a6c6f0587505e',NULL,NULL);
INSERT INTO people VALUES(1,'E00006',NULL,X'00cc32418f577652d2db51e974f9ee4b',1,@FEED@,NULL,X'6cccbf206a0af56c026ef4356505b2c5',NULL,NULL);
INSERT INTO people VALUES(1,'E00007',NULL,X'd380003471dc93d838581d136f07a86c',1,@FEED@,NULL,X'2b4e01621e49a5a71c9b47c0d027562b',NULL,NULL);
INSERT INTO people VALUES(1,'E00008',NULL,X'38981962cac7fabe4174daa86193d402',1,@FEED@,NULL,X'e732ce726f7ec7b9d4daa3cc108b2490',NULL,NULL);
INSERT INTO people VALUES(1,'E00009',NULL,X'efb32c2752d452febc3b81e22ed2275d',1,@FEED@,NULL,X'883023c61e7759d5f35de3ed423ffd16',NULL,NULL);
INSERT INTO people VALUES(1,'E00010',NULL,X'2f30a7f0afcca25b0f7062260adc9db4',1,@FEED@,NULL,X'918b4433351e34f14bcc050c7140ad62',NULL,NULL);
INSERT INTO people VALUES(1,'E00011',NULL,X'2194e3c0bc46e29a1a59521413cdb05e',1,@FEED@,NULL,X'98b563ebe17bb6b6ce211098328e0b6b',NULL,NULL);
INSERT INTO people VALUES(1,'E00012',NULL,X'5395fa536464b62630bd392c0c692e93',1,@FEED@,NULL,X'ce37d5d59601200eabc8a8c6917401fd',NULL,NULL);
CREATE TABLE given (
        scope       INTEGER NOT NULL,
        external_id TEXT NOT NULL,
        part        INTEGER NOT NULL,
        item        TEXT NOT NULL,
        PRIMARY KEY (scope, external_id, part, item)
    ) STRICT, WITHOUT ROWID;
INSERT INTO given VALUES(1,'E00001',1,'student');
INSERT INTO given VALUES(1,'E00002',1,'student');
INSERT INTO given VALUES(1,'E00003',1,'student');
INSERT INTO given VALUES(1,'E00004',1,'student');
INSERT INTO given VALUES(1,'E00005',1,'student');
INSERT INTO given VALUES(1,'E00006',1,'student');
INSERT INTO given VALUES(1,'E00007',1,'student');
INSERT INTO given VALUES(1,'E00008',1,'student');
INSERT INTO given VALUES(1,'E00009',1,'student');
INSERT INTO given VALUES(1,'E00010',1,'student');
INSERT INTO given VALUES(1,'E00011',1,'student');
INSERT INTO given VALUES(1,'E00012',1,'student');
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
