/* The System program and the upgradeable loader, as far as programs of ours need them. */
#pragma once
#include "abi.h"

static const Key SYSTEM_PROGRAM = {{0, 0, 0, 0}};
/* BPFLoaderUpgradeab1e11111111111111111111111 */
static const Key UPGRADEABLE_LOADER = {{0xb0a1884e91f6a802UL, 0x2bae63f73e1510e2UL, 0xd224c1163db9c200UL, 0x00008004107a53c0UL}};

/* The bits of the doubles 1.0 (since SIMD-0194) and 2.0 (before): the only thresholds that Solana ever had. */
#define THRESHOLD_ONE 0x3ff0000000000000UL
#define THRESHOLD_TWO 0x4000000000000000UL
/* What the runtime counts for an account beside its data. */
#define ACCOUNT_OVERHEAD 128UL

/*
 * Lamports that keep an account of `space` bytes alive; 0 when the cluster's rent is of a kind this code does not know.
 */
INLINE u64 rent_for(u64 space) {
  Rent rent;
  if (sol_get_rent_sysvar(&rent)) return 0;
  u64 once = (ACCOUNT_OVERHEAD + space) * rent.lamports_per_byte;
  if (rent.threshold == THRESHOLD_ONE) return once;
  return rent.threshold == THRESHOLD_TWO ? 2 * once : 0;
}

typedef struct PACKED { u32 kind; u64 lamports; } SystemTransfer;
typedef struct PACKED { u32 kind; u64 space; } SystemAllocate;
typedef struct PACKED { u32 kind; Key owner; } SystemAssign;
enum { SYSTEM_ASSIGN = 1, SYSTEM_TRANSFER = 2, SYSTEM_ALLOCATE = 8 };

typedef struct {
  const Account *payer;
  Account *account;
  u64 space;
  const Key *owner;
  const SignerSeeds *seeds;
} Creation;

/*
 * Creates the account at an address of this program. Not by CreateAccount, which refuses an address that already holds
 * lamports: anybody may send some to an address known in advance and would so keep it from being used. Adding what is
 * missing, allocating and assigning works for both, and is then the one way that is tested. The payer of a pre-funded
 * account pays less, and gets the stranger's lamports at close.
 *
 * The caller has seen that the account is empty and the System program's; 0 on success, 1 if the rent cannot be told.
 */
APART u64 create_account(const Input *input, const Creation *creation) {
  u64 wanted = rent_for(creation->space);
  if (wanted == 0) return 1;
  Account *account = creation->account;
  if (*account->lamports < wanted) {
    SystemTransfer data = {SYSTEM_TRANSFER, wanted - *account->lamports};
    AccountMeta metas[2] = {{creation->payer->key, 1, 1}, {account->key, 1, 0}};
    Instruction transfer = {&SYSTEM_PROGRAM, metas, 2, (const u8 *)&data, sizeof data};
    TRY(call(input, &transfer, 0));
  }
  AccountMeta self[1] = {{account->key, 1, 1}};
  SystemAllocate space = {SYSTEM_ALLOCATE, creation->space};
  Instruction allocate = {&SYSTEM_PROGRAM, self, 1, (const u8 *)&space, sizeof space};
  TRY(call(input, &allocate, creation->seeds));
  SystemAssign owner = {SYSTEM_ASSIGN, *creation->owner};
  Instruction assign = {&SYSTEM_PROGRAM, self, 1, (const u8 *)&owner, sizeof owner};
  TRY(call(input, &assign, creation->seeds));
  /* The runtime keeps the length before the data up to date, our copy of it does not follow by itself. */
  account->data_len = *(const u64 *)(account->data - 8);
  return 0;
}

INLINE int is_unused(const Account *account) {
  return account->data_len == 0 && same_key(account->owner, &SYSTEM_PROGRAM);
}

/* The loader's account beside a program: who may upgrade it. */
typedef struct PACKED { u32 kind; u64 slot; u8 has_authority; Key authority; } ProgramData;
enum { LOADER_PROGRAM_DATA = 3 };

/* Whether `account` is the loader's record of this very program and names `key` as the one who may upgrade it. */
APART int is_upgrade_authority(const Input *input, const Account *account, const Key *key) {
  Seed seeds[1] = {{input->program, sizeof(Key)}};
  Key address;
  u8 bump;
  if (sol_try_find_program_address(seeds, 1, &UPGRADEABLE_LOADER, &address, &bump)) return 0;
  if (!same_key(account->key, &address) || !same_key(account->owner, &UPGRADEABLE_LOADER)) return 0;
  if (account->data_len < sizeof(ProgramData)) return 0;
  const ProgramData *record = (const ProgramData *)account->data;
  Key authority = record->authority;
  return record->kind == LOADER_PROGRAM_DATA && record->has_authority == 1 && same_key(&authority, key);
}
