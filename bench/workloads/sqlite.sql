-- Inserts, selects and updates in memory, about two seconds of it: sqlite3 :memory: ".read sqlite.sql"
CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b TEXT, c REAL);
CREATE INDEX ti ON t(a);
BEGIN;
WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM g WHERE i<300000) INSERT INTO t SELECT i,(i*7919)%100003,'row number '||i||' '||hex(i*31),i*1.5 FROM g;
COMMIT;
SELECT count(*),sum(a),avg(c),max(length(b)) FROM t;
SELECT a%100 AS k,count(*),group_concat(substr(b,1,12)) IS NOT NULL FROM t GROUP BY k ORDER BY 2 DESC LIMIT 5;
UPDATE t SET b=b||'x' WHERE a%3=0;
SELECT count(*) FROM t x JOIN t y ON x.a=y.a WHERE x.id<60000;
DELETE FROM t WHERE a%5=0;
SELECT upper(b),lower(hex(b)),replace(b,'row','col') FROM t ORDER BY b DESC LIMIT 100000,1;
SELECT count(DISTINCT upper(b)||lower(hex(id))) FROM t;
