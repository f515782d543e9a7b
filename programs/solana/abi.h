/*
 * What a program and the Solana runtime say to each other: the input buffer, the syscalls, and the structures of a
 * cross-program call. Layouts: the "aligned" serialisation of loader v2/v3 and the C variant of the CPI syscall.
 *
 * One translation unit per program includes this; everything here is static, so nothing is exported but `entrypoint`.
 */
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef long i64;

#define INLINE static inline __attribute__((always_inline))
/* A frame is 4096 bytes and upstream clang passes five arguments at most: instructions stay functions of their own. */
#define APART static __attribute__((noinline))
#define PACKED __attribute__((packed))

/*
 * An address. By words, because a comparison by bytes costs eight times as much; where one lies unaligned, copy it
 * first.
 */
typedef struct { u64 word[4]; } Key;

typedef struct {
  const Key *key;
  u64 *lamports;
  u64 data_len;
  u8 *data;
  Key *owner;
  u64 rent_epoch;
  u8 is_signer, is_writable, executable;
} Account;

typedef struct { const Key *key; u8 is_writable, is_signer; } AccountMeta;
typedef struct {
  const Key *program;
  const AccountMeta *metas;
  u64 meta_count;
  const u8 *data;
  u64 data_len;
} Instruction;
typedef struct { const void *bytes; u64 len; } Seed;
typedef struct { const Seed *seeds; u64 count; } SignerSeeds;
typedef struct { u64 slot; i64 epoch_start; u64 epoch, leader_epoch; i64 unix_timestamp; } Clock;
/* `threshold` is an IEEE double; there is no floating point here, so it is compared by its bits. */
typedef struct { u64 lamports_per_byte, threshold; u8 burn_percent; } Rent;

u64 sol_invoke_signed_c(const Instruction *, const Account *, u64, const SignerSeeds *, u64);
u64 sol_create_program_address(const Seed *, u64, const Key *, Key *);
u64 sol_try_find_program_address(const Seed *, u64, const Key *, Key *, u8 *);
u64 sol_get_clock_sysvar(Clock *);
u64 sol_get_rent_sysvar(Rent *);

#define MOST_ACCOUNTS 12

typedef struct {
  const Key *program;
  const u8 *data;
  u64 data_len;
  u64 count;
  Account account[MOST_ACCOUNTS];
} Input;

#define REQUIRE(condition, error) do { if (!(condition)) return (error); } while (0)
#define TRY(expression) do { u64 failure_ = (expression); if (failure_) return failure_; } while (0)

INLINE int same_key(const Key *a, const Key *b) {
  return a->word[0] == b->word[0] && a->word[1] == b->word[1] && a->word[2] == b->word[2] && a->word[3] == b->word[3];
}
INLINE int is_zero_key(const Key *a) { return (a->word[0] | a->word[1] | a->word[2] | a->word[3]) == 0; }

/* Room that the runtime leaves behind each account's data for it to grow into. */
#define GROWTH 10240UL

/*
 * False if there are more accounts than any instruction takes. An account named twice appears twice, sharing its
 * memory.
 */
INLINE int read_input(u8 *at, Input *input) {
  input->count = *(u64 *)at;
  at += 8;
  if (input->count > MOST_ACCOUNTS) return 0;
  for (u64 i = 0; i < input->count; i++) {
    if (at[0] != 0xff) {
      if (at[0] >= i) return 0;
      input->account[i] = input->account[at[0]];
      at += 8;
      continue;
    }
    Account *account = &input->account[i];
    account->is_signer = at[1];
    account->is_writable = at[2];
    account->executable = at[3];
    account->key = (const Key *)(at + 8);
    account->owner = (Key *)(at + 40);
    account->lamports = (u64 *)(at + 72);
    account->data_len = *(u64 *)(at + 80);
    account->data = at + 88;
    at += 88 + ((account->data_len + GROWTH + 7) & ~7UL);
    account->rent_epoch = *(u64 *)at;
    at += 8;
  }
  input->data_len = *(u64 *)at;
  input->data = at + 8;
  input->program = (const Key *)(at + 8 + input->data_len);
  return 1;
}

INLINE u64 call(const Input *input, const Instruction *instruction, const SignerSeeds *signer) {
  return sol_invoke_signed_c(instruction, input->account, input->count, signer, signer ? 1 : 0);
}

/*
 * Gives all lamports of `account` (which this program owns) to `receiver` and the account back to the System program,
 * empty. Owner, lamports and data length stand in this order, 48 bytes, right before the data. Only dropping the
 * lamports would let someone who sends new ones in the same transaction keep an account of ours alive with nothing in
 * it, for good.
 */
INLINE void close_account(Account *account, Account *receiver) {
  *receiver->lamports += *account->lamports;
  for (u64 i = 0; i < account->data_len; i++) account->data[i] = 0;
  u64 *header = (u64 *)(account->data - 48);
  for (u64 i = 0; i < 6; i++) header[i] = 0;
  account->data_len = 0;
}
