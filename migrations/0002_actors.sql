-- The journal: every actor's last snapshot, every transition that led to it, and who may write.

create table actors (
  kind       text not null,
  id         text not null,
  -- Counts the actor's transitions; a writer names the version it computed from, so a stale one writes nothing.
  version    bigint not null,
  -- The leader's epoch at the last write.
  epoch      bigint not null,
  state      text not null,
  snapshot   jsonb not null,
  deadline   timestamptz,
  finished   boolean not null default false,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (kind, id)
) with (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.1);
-- Recovery reads the live actors of a kind in order of id. Only `finished` is looked at by the condition, so the usual
-- update stays HOT. There is no index on `deadline`: the runtime keeps its own heap.
create index actors_live on actors (kind, id) where not finished;

create table transitions (
  seq        bigint generated always as identity primary key,
  kind       text not null,
  id         text not null,
  version    bigint not null,
  epoch      bigint not null,
  event      jsonb not null,
  from_state text,
  to_state   text not null,
  at         timestamptz not null,
  unique (kind, id, version)
);
create index transitions_at on transitions using brin (at);

-- Events that made their actor throw, and rows that could not be loaded, kept for people to look at.
create table poison_events (
  seq   bigint generated always as identity primary key,
  kind  text not null,
  id    text not null,
  event jsonb not null,
  error text not null,
  at    timestamptz not null
);
create index poison_events_actor on poison_events (kind, id, seq desc);

-- One row. Its epoch grows by one with each taking of leadership. Commits hold it `for share`, so taking leadership waits
-- for the commits in flight, and every later commit of the old leader finds a newer epoch and fails.
create table leadership (
  id       smallint primary key default 1 check (id = 1),
  epoch    bigint not null default 0,
  holder   text not null default '',
  taken_at timestamptz not null default now()
);
insert into leadership default values;

-- Both checks raise inside the database because a commit is sent as one pipeline: by the time the server could look at a
-- count, COMMIT is already on the wire. An exception turns that COMMIT into a ROLLBACK.
create function journal_assert_leader(expected bigint) returns void language plpgsql as $$
declare
  found_epoch bigint;
begin
  select epoch into found_epoch from leadership where leadership.id = 1 for share;
  if found_epoch is distinct from expected then
    raise exception 'this server''s leadership epoch is %, the database is at %', expected, found_epoch
      using errcode = 'CX001';
  end if;
end
$$;

create function journal_assert_written(written bigint, expected bigint) returns void language plpgsql as $$
begin
  if written <> expected then
    raise exception '% of % actors were not at the version their transition was computed from',
      expected - written, expected using errcode = 'CX002';
  end if;
end
$$;
