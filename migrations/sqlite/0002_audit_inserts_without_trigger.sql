-- A trigger on INSERT makes SQLite lay every batch aside in a table of its own before the first row is
-- written: it cost more than the rows. That INSERT OR REPLACE deletes is noticed by the trigger on
-- DELETE, which it fires on a connection with recursive_triggers; every connection of ours has that.
DROP TRIGGER audit_is_not_replaced;
