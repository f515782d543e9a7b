/*
 * SPL Token (the original program, not Token-2022, whose extensions may take fees or call foreign code in a transfer).
 */
#pragma once
#include "abi.h"

/* TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA */
static const Key TOKEN_PROGRAM = {{0x93a165d7e1f6dd06UL, 0xac79ebce46e1cbd9UL, 0x91375b5fed85b41cUL, 0xa900ff7e85f58c3aUL}};

typedef struct PACKED {
  Key mint, owner;
  u64 amount;
  u32 has_delegate;
  Key delegate;
  u8 state;
  u32 is_native;
  u64 native_reserve;
  u64 delegated_amount;
  u32 has_close_authority;
  Key close_authority;
} TokenAccount;
_Static_assert(sizeof(TokenAccount) == 165, "the layout of SPL Token");
enum { TOKEN_STATE_INITIALIZED = 1 };

#define MINT_SIZE 82
#define MINT_IS_INITIALIZED 45

INLINE const TokenAccount *token_account(const Account *account) { return (const TokenAccount *)account->data; }
/* These two lie aligned, at 0 and 32; the other addresses do not. */
INLINE const Key *token_mint(const Account *account) { return (const Key *)account->data; }
INLINE const Key *token_owner(const Account *account) { return (const Key *)account->data + 1; }

/* A usable (initialised, not frozen) token account of `mint`. */
INLINE int is_token_account(const Account *account, const Key *mint) {
  return same_key(account->owner, &TOKEN_PROGRAM) && account->data_len == sizeof(TokenAccount) &&
         token_account(account)->state == TOKEN_STATE_INITIALIZED && same_key(token_mint(account), mint);
}

INLINE int is_mint(const Account *account) {
  return same_key(account->owner, &TOKEN_PROGRAM) && account->data_len == MINT_SIZE &&
         account->data[MINT_IS_INITIALIZED] == 1;
}

enum { TOKEN_TRANSFER = 3, TOKEN_CLOSE_ACCOUNT = 9, TOKEN_INITIALIZE_ACCOUNT3 = 18 };
typedef struct PACKED { u8 kind; u64 amount; } TokenTransfer;
typedef struct PACKED { u8 kind; Key owner; } TokenInitializeAccount3;

/* Whose word moves the tokens: a signer of the transaction (no seeds) or an address of this program (its seeds). */
typedef struct { const Key *key; const SignerSeeds *seeds; } TokenAuthority;

/* Nothing to move is no call: the program's own fee of a small part is often 0. */
APART u64 token_transfer(const Input *input, const Account *from, const Account *to, u64 amount,
                         const TokenAuthority *by) {
  if (amount == 0) return 0;
  TokenTransfer data = {TOKEN_TRANSFER, amount};
  AccountMeta metas[3] = {{from->key, 1, 0}, {to->key, 1, 0}, {by->key, 0, 1}};
  Instruction instruction = {&TOKEN_PROGRAM, metas, 3, (const u8 *)&data, sizeof data};
  return call(input, &instruction, by->seeds);
}

APART u64 token_close(const Input *input, const Account *account, const Account *receiver, const TokenAuthority *by) {
  u8 data[1] = {TOKEN_CLOSE_ACCOUNT};
  AccountMeta metas[3] = {{account->key, 1, 0}, {receiver->key, 1, 0}, {by->key, 0, 1}};
  Instruction instruction = {&TOKEN_PROGRAM, metas, 3, data, sizeof data};
  return call(input, &instruction, by->seeds);
}

APART u64 token_initialize(const Input *input, const Account *account, const Account *mint, const Key *owner) {
  TokenInitializeAccount3 data = {TOKEN_INITIALIZE_ACCOUNT3, *owner};
  AccountMeta metas[2] = {{account->key, 1, 0}, {mint->key, 0, 0}};
  Instruction instruction = {&TOKEN_PROGRAM, metas, 2, (const u8 *)&data, sizeof data};
  return call(input, &instruction, 0);
}
