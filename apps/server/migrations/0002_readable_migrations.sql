-- "tenon doctor" compares the migrations that were applied with those that the program knows.
grant select on tenon_migrations to tenon_system;
