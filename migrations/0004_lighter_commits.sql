-- A job's later transitions write only the columns of its row that can change. The others hold what they should as long as
-- the row is the one the last transition left; if it is not, the transaction fails and is repeated with whole rows.
create function journal_assert_in_step(written bigint, expected bigint, relation text) returns void language plpgsql as $$
begin
  if written <> expected then
    raise exception '% of % rows of % were not as their actors'' last transition left them',
      expected - written, expected, relation using errcode = 'CX003';
  end if;
end
$$;

-- Snapshots are written with each transition and only ever read whole. As `json` they are kept as they come, where `jsonb`
-- takes them apart first: a sixth of the time, and all in all a quarter of what a commit cost the server. For a question
-- about them, cast: `snapshot::jsonb`. This rewrites the table once.
alter table actors alter column snapshot type json using snapshot::json;

-- A job's row is written about five times. With room for each row once more on its page, a transition that does not change
-- the status stays there and writes no index entry.
alter table jobs set (fillfactor = 50);
