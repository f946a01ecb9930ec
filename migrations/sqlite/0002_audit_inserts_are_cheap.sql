-- A trigger on INSERT makes SQLite lay every batch aside in a table of its own before the first row is
-- written: it cost more than the rows. That INSERT OR REPLACE deletes is noticed by the trigger on
-- DELETE, which it fires on a connection with recursive_triggers; every connection of ours has that.
DROP TRIGGER audit_is_not_replaced;

-- Three of four rows are of these events, and who asks for one of them finds it among the newest rows:
-- only the others need an index. A query must say the same words to be served by it.
DROP INDEX audit_event;
CREATE INDEX audit_rare_event ON audit (event, seq)
    WHERE event NOT IN ('forward_auth.passed', 'session.closed', 'session.opened', 'token.minted');
