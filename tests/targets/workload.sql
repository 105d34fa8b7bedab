-- A deterministic moment of SQLite: inserts, an index, joins, aggregation, a recursive query, a transaction rolled back.
create table item(id integer primary key, name text, price integer, category integer);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 60000)
insert into item select i, 'item ' || (i * 7919 % 10007), i * 31 % 1009, i % 17 from n;
create index by_name on item(name);
select category, count(*), sum(price), min(name), max(name) from item group by category order by category;
select count(*), sum(a.price * b.price) from item a join item b on a.name = b.name where a.id < 3000 and b.id > 50000;
begin;
update item set price = price + 1 where category in (1, 3, 5);
select sum(price) from item;
rollback;
select sum(price), group_concat(name) from (select * from item order by price desc, id limit 20);
select length(printf('%s%s', hex(zeroblob(100)), upper('done'))), avg(length(replace(name, '1', 'one'))) from item;
