-- What nodes have earned by their conduct, and what operators have said of them (src/actors/node).

alter table nodes
  -- Why it is banned, drained, cordoned or set aside; null when it is in service.
  add column standing_reason text,
  -- The circuit breaker has opened until then.
  add column set_aside_until timestamptz,
  -- What the node still runs then is moved to others.
  add column drain_until timestamptz;
-- `banned_until` is null for a ban without an end as well; `state` tells whether there is one.

-- Every change of a node's score with the fact behind it. Written in the commit of the transition that made it.
create table reputation_changes (
  node_id      uuid not null references nodes (id) on delete cascade,
  -- Counts the changes of one node from 1, without gaps from this migration on.
  number       bigint not null,
  -- A word of the closed list `ReputationReason` in src/domain/reputation.ts.
  reason       text not null,
  score_before double precision not null check (score_before between 0 and 100),
  score_after  double precision not null check (score_after between 0 and 100),
  delta        double precision generated always as (score_after - score_before) stored,
  -- The attempt it follows from. No foreign key: the change outlives a job that is deleted. Null for the end of a ban and
  -- a pardon.
  job_id       uuid,
  attempt      integer,
  -- A complaint's or a pardon's own words.
  detail       text,
  changed_at   timestamptz not null,
  -- Also the index for "the newest changes of this node".
  primary key (node_id, number)
);
create index reputation_changes_job on reputation_changes (job_id) where job_id is not null;
