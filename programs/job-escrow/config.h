/*
 * The program's settings: who may do what, and what holds for the escrows that are created next. One account, made once
 * after deployment; its admin changes it and can hand it on.
 */
#pragma once
#include "../solana/abi.h"
#include "../solana/system.h"
#include "../solana/token.h"
#include "escrow.h"

#define BPS 10000UL
#define CONFIG_SEED "config"
#define TEXT(seed) {seed, sizeof(seed) - 1}

/* Arguments, or null if they are not exactly that long. */
#define ARGS(Type, input) ((input)->data_len == sizeof(Type) ? (const Type *)(input)->data : (const Type *)0)

/*
 * The address must also be the derived one: an account of ours with the right tag somewhere else would be a mistake of
 * ours.
 */
APART u64 load_config(const Input *input, const Account *account, Config **config) {
  REQUIRE(same_key(account->owner, input->program) && account->data_len == sizeof(Config), ERR_CONFIG);
  Config *found = (Config *)account->data;
  REQUIRE(found->tag == CONFIG_TAG, ERR_CONFIG);
  u8 bump = (u8)found->bump;
  Seed seeds[2] = {TEXT(CONFIG_SEED), {&bump, 1}};
  Key address;
  REQUIRE(!sol_create_program_address(seeds, 2, input->program, &address), ERR_CONFIG);
  REQUIRE(same_key(&address, account->key), ERR_CONFIG);
  *config = found;
  return 0;
}

APART u64 load_for_authority(const Input *input, const Account *config_account, Config **config) {
  TRY(load_config(input, config_account, config));
  REQUIRE(same_key(input->account[0].key, &(*config)->authority), ERR_NOT_AUTHORITY);
  REQUIRE(input->account[0].is_signer, ERR_SIGNATURE);
  return 0;
}

APART u64 check_settings(const Account *mint, const Account *treasury, const Key *authority, u64 fee_bps) {
  REQUIRE(!is_zero_key(authority), ERR_KEY);
  REQUIRE(fee_bps <= BPS, ERR_FEE);
  REQUIRE(is_mint(mint), ERR_MINT);
  /* Wrapped SOL counts lamports as tokens, rent included; the sums here are not made for that. */
  REQUIRE(is_token_account(treasury, mint->key) && token_account(treasury)->is_native == 0, ERR_TREASURY);
  return 0;
}

/*
 * Accounts: payer (signs, pays), upgrade authority (signs), config (written), program data, mint, treasury, System
 * program. Whoever comes first would be the admin of a program just deployed; so only the one who may replace the
 * program anyway may do this, as the loader has it on record. A program that was made final before this can never be
 * initialised.
 */
APART u64 initialize(Input *input) {
  const InitializeArgs *args = ARGS(InitializeArgs, input);
  REQUIRE(args, ERR_INSTRUCTION);
  REQUIRE(input->count == 7, ERR_ACCOUNTS);
  Account *payer = &input->account[0], *upgrader = &input->account[1], *config_account = &input->account[2];
  Account *program_data = &input->account[3], *mint = &input->account[4], *treasury = &input->account[5];
  REQUIRE(payer->is_signer && upgrader->is_signer, ERR_SIGNATURE);
  REQUIRE(payer->is_writable && config_account->is_writable, ERR_NOT_WRITABLE);
  REQUIRE(same_key(input->account[6].key, &SYSTEM_PROGRAM), ERR_PROGRAM);
  REQUIRE(is_upgrade_authority(input, program_data, upgrader->key), ERR_NOT_UPGRADE_AUTHORITY);
  REQUIRE(!is_zero_key(&args->admin), ERR_KEY);
  TRY(check_settings(mint, treasury, &args->authority, args->fee_bps));

  u8 bump;
  Key address;
  Seed seeds[2] = {TEXT(CONFIG_SEED), {&bump, 1}};
  REQUIRE(!sol_try_find_program_address(seeds, 1, input->program, &address, &bump), ERR_ADDRESS);
  REQUIRE(same_key(&address, config_account->key), ERR_ADDRESS);
  REQUIRE(is_unused(config_account), ERR_EXISTS);
  SignerSeeds signer = {seeds, 2};
  Creation creation = {payer, config_account, sizeof(Config), input->program, &signer};
  REQUIRE(!create_account(input, &creation), ERR_RENT);

  Config *config = (Config *)config_account->data;
  config->tag = CONFIG_TAG;
  config->admin = args->admin;
  config->authority = args->authority;
  config->treasury = *treasury->key;
  config->mint = *mint->key;
  config->fee_bps = args->fee_bps;
  config->escrows = 0;
  config->bump = bump;
  return 0;
}

/*
 * Accounts: admin (signs), config (written), mint, treasury. Holds for escrows created from now on; the authority for
 * all.
 */
APART u64 configure(Input *input) {
  const ConfigureArgs *args = ARGS(ConfigureArgs, input);
  REQUIRE(args, ERR_INSTRUCTION);
  REQUIRE(input->count == 4, ERR_ACCOUNTS);
  Account *admin = &input->account[0], *config_account = &input->account[1];
  Account *mint = &input->account[2], *treasury = &input->account[3];
  Config *config;
  TRY(load_config(input, config_account, &config));
  REQUIRE(same_key(admin->key, &config->admin), ERR_NOT_ADMIN);
  REQUIRE(admin->is_signer, ERR_SIGNATURE);
  REQUIRE(config_account->is_writable, ERR_NOT_WRITABLE);
  TRY(check_settings(mint, treasury, &args->authority, args->fee_bps));
  config->authority = args->authority;
  config->treasury = *treasury->key;
  config->mint = *mint->key;
  config->fee_bps = args->fee_bps;
  return 0;
}

/*
 * Accounts: admin (signs), config (written), next admin (signs). The next one signs too, so that a key nobody holds, or
 * a mistyped one, cannot become the admin.
 */
APART u64 rotate(Input *input) {
  REQUIRE(ARGS(RotateArgs, input), ERR_INSTRUCTION);
  REQUIRE(input->count == 3, ERR_ACCOUNTS);
  Account *admin = &input->account[0], *config_account = &input->account[1], *next = &input->account[2];
  Config *config;
  TRY(load_config(input, config_account, &config));
  REQUIRE(same_key(admin->key, &config->admin), ERR_NOT_ADMIN);
  REQUIRE(admin->is_signer && next->is_signer, ERR_SIGNATURE);
  REQUIRE(config_account->is_writable, ERR_NOT_WRITABLE);
  config->admin = *next->key;
  return 0;
}
