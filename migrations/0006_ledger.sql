-- Every movement of money, by double entry, written in the same transaction as the state of its payment. Rows are added and never
-- changed. An account is the text before and after the colon: user:<wallet>, escrow:<job>, node:<wallet>, platform.
create table ledger_entries (
  -- No reference: what was paid stays on record when the job and its payment are deleted.
  payment_id uuid not null,
  -- Counts the payment's own.
  number     integer not null check (number > 0),
  debit      text not null,
  credit     text not null check (credit <> debit),
  -- Base units.
  amount     numeric(20, 0) not null check (amount > 0),
  -- Of the transaction on the chain that moved it.
  signature  text not null,
  booked_at  timestamptz not null,
  primary key (payment_id, number)
);

create index ledger_entries_debit on ledger_entries (debit);
create index ledger_entries_credit on ledger_entries (credit);
