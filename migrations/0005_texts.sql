-- Big texts of jobs (a model of megabytes), each stored once under the hash of its content. Snapshots, the log and the rows of
-- `jobs` hold the reference, so a transition does not write the text again. Jobs from before keep theirs in their snapshots.
create table texts (
  -- Hex, of the UTF-8 text.
  sha256     text primary key,
  content    text not null,
  -- How many references there are to it. Counted in the transaction that makes a job or deletes one, under this row's lock,
  -- so a text goes with the last job that has it, and never while one that has it is being stored.
  uses       bigint not null,
  created_at timestamptz not null
);
