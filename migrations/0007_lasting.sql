-- What of an actor's context stays as it was made (a job's spec and policy, a node's profile) is stored once and no longer with each
-- transition. It stands behind the columns that change: PostgreSQL leaves the end that two versions of a row share out of its log.
alter table actors add column lasting json not null default '{}';

-- An actor's snapshot in one piece, for questions and for people: `select whole_snapshot(snapshot, lasting) from actors`.
create function whole_snapshot(snapshot json, lasting json) returns jsonb language sql immutable as $$
  select case when jsonb_typeof(snapshot::jsonb -> 'context') = 'object'
    then jsonb_set(snapshot::jsonb, '{context}', lasting::jsonb || (snapshot::jsonb -> 'context'))
    else snapshot::jsonb end
$$;
