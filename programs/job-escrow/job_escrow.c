/*
 * JobEscrow: the money of one job, held until the work is done.
 *
 *   (none) --create_escrow--> locked --assign, claim, assign, ...--> locked --release_payment--> (none)
 *                               |                                              node and treasury
 *                               +-----------------------refund---------------> (none)
 *                                                                              the user
 *
 * Who can take what. Money leaves to the assigned node's wallet and to the treasury that stood in the config at
 * creation, or to the user, and nowhere else. The authority (the server's key, in the config) says when, and it names
 * the node: it is trusted with that choice, and whoever holds it can have live escrows paid to a node of their own. So
 * it is read from the config at each instruction, not from the escrow: an admin takes every escrow from a key that
 * leaked with one transaction. The user alone can take back what is left once the deadline has passed, without the
 * server. Nobody else can move anything.
 *
 * Fees. The fee due on what was released is floor(released * bps / 10000), and a claim pays the difference that it
 * makes. So the fees of all claims add up to floor(total * bps / 10000) in whatever parts it was paid. Had each claim
 * its own floor, n claims could pay up to n - 1 base units less than that. A single claim's fee is its exact share,
 * rounded either way; it never exceeds the claim, because bps <= 10000.
 *
 * Replays. A transaction may arrive late, or twice under two blockhashes. Whoever acts on an escrow says what it
 * believes:
 *   released  no payment can land twice: the first changes the released amount, which never falls;
 *   attempt   a payment meant for one assignment cannot land after the next, even if that names the same node;
 *   serial    an escrow that was closed may be made again under the same job id, by its user or by anyone with money.
 *             It has another serial, from a counter in a config that is never closed, so whatever was signed for the
 *             first is refused by the second. No tombstone is needed, and no rent stays behind.
 * A second create_escrow while the first is alive is refused by the account being there. A stranger may take a job id
 * first, with their own money: that costs the user a new job id, no more, because the server compares the user and the
 * amount before it starts a job, and the user's transaction fails as a whole. After a close, create_escrow is a new lock
 * of new money and carries no guard: only its signer can know whether the job is over.
 *
 * The vault's address is derived and not handed in, and this program makes the token account itself: it was never
 * anyone else's, so no delegate and no close authority can be left on it. That is still checked each time money moves.
 * Tokens that a stranger sends to a vault would keep it from being closed; the last instruction moves them out as well,
 * to the treasury or the user.
 */
#include "../solana/abi.h"
#include "../solana/system.h"
#include "../solana/token.h"
#include "config.h"
#include "escrow.h"

/* The user's own way out may not be put off for ever, not by an authority that creates under an allowance either. */
#define LONGEST_TERM (366L * 24 * 60 * 60)

#define ESCROW_SEED "escrow"
#define VAULT_SEED "vault"
#define JOB_ID_LEN 16

/* bps <= 10000, so neither product overflows, and the sum is floor(amount * bps / 10000) exactly. */
INLINE u64 fee_on(u64 amount, u64 bps) { return amount / BPS * bps + amount % BPS * bps / BPS; }

APART u64 load_escrow(const Input *input, const Account *account, Escrow **escrow) {
  REQUIRE(account->is_writable, ERR_NOT_WRITABLE);
  REQUIRE(same_key(account->owner, input->program) && account->data_len == sizeof(Escrow), ERR_ESCROW);
  Escrow *found = (Escrow *)account->data;
  REQUIRE(found->tag == ESCROW_TAG, ERR_ESCROW);
  u8 bump = (u8)found->bump;
  Seed seeds[3] = {TEXT(ESCROW_SEED), {found->job_id, JOB_ID_LEN}, {&bump, 1}};
  Key address;
  REQUIRE(!sol_create_program_address(seeds, 3, input->program, &address), ERR_ESCROW);
  REQUIRE(same_key(&address, account->key), ERR_ESCROW);
  *escrow = found;
  return 0;
}

INLINE u64 check_expected(const Escrow *escrow, const Expected *expected) {
  REQUIRE(escrow->serial == expected->serial, ERR_STALE_SERIAL);
  REQUIRE(escrow->released == expected->released, ERR_STALE_RELEASED);
  return 0;
}

APART u64 check_vault(const Input *input, const Account *escrow_account, const Account *vault, const Escrow *escrow) {
  REQUIRE(vault->is_writable, ERR_NOT_WRITABLE);
  u8 bump = (u8)escrow->vault_bump;
  Seed seeds[3] = {TEXT(VAULT_SEED), {escrow->job_id, JOB_ID_LEN}, {&bump, 1}};
  Key address;
  REQUIRE(!sol_create_program_address(seeds, 3, input->program, &address), ERR_VAULT);
  REQUIRE(same_key(&address, vault->key), ERR_VAULT);
  REQUIRE(is_token_account(vault, &escrow->mint) && same_key(token_owner(vault), escrow_account->key), ERR_VAULT);
  const TokenAccount *content = token_account(vault);
  REQUIRE(content->has_delegate == 0 && content->has_close_authority == 0, ERR_VAULT);
  REQUIRE(content->amount >= escrow->amount - escrow->released, ERR_VAULT);
  return 0;
}

/* A place to pay to: the vault itself may not be one, or a payment would move nothing and still count as made. */
APART u64 check_payee(const Account *payee, const Account *vault, const Key *mint, u64 error) {
  REQUIRE(payee->is_writable, ERR_NOT_WRITABLE);
  REQUIRE(is_token_account(payee, mint) && !same_key(payee->key, vault->key), error);
  return 0;
}

/*
 * Accounts: rent payer (signs, pays), spender (signs), user, source (written), config (written), escrow (written),
 * vault (written), mint, Token program, System program. The spender is the user, or the authority as the user's
 * approved delegate.
 */
APART u64 create_escrow(Input *input) {
  const CreateArgs *args = ARGS(CreateArgs, input);
  REQUIRE(args, ERR_INSTRUCTION);
  REQUIRE(input->count == 10, ERR_ACCOUNTS);
  Account *payer = &input->account[0], *spender = &input->account[1], *user = &input->account[2];
  Account *source = &input->account[3], *config_account = &input->account[4], *escrow_account = &input->account[5];
  Account *vault = &input->account[6], *mint = &input->account[7];
  REQUIRE(payer->is_signer && spender->is_signer, ERR_SIGNATURE);
  REQUIRE(payer->is_writable && source->is_writable && config_account->is_writable, ERR_NOT_WRITABLE);
  REQUIRE(escrow_account->is_writable && vault->is_writable, ERR_NOT_WRITABLE);
  REQUIRE(same_key(input->account[8].key, &TOKEN_PROGRAM), ERR_PROGRAM);
  REQUIRE(same_key(input->account[9].key, &SYSTEM_PROGRAM), ERR_PROGRAM);
  Config *config;
  TRY(load_config(input, config_account, &config));
  REQUIRE(same_key(mint->key, &config->mint) && is_mint(mint), ERR_MINT);
  REQUIRE(is_token_account(source, mint->key) && same_key(token_owner(source), user->key), ERR_SOURCE);
  const TokenAccount *purse = token_account(source);
  if (!same_key(spender->key, user->key)) {
    REQUIRE(same_key(spender->key, &config->authority), ERR_NOT_USER);
    Key delegate = purse->delegate;
    REQUIRE(purse->has_delegate == 1 && same_key(&delegate, spender->key), ERR_ALLOWANCE);
    REQUIRE(purse->delegated_amount >= args->amount, ERR_ALLOWANCE);
  }
  REQUIRE(args->amount > 0, ERR_AMOUNT);
  REQUIRE(purse->amount >= args->amount, ERR_FUNDS);
  Clock clock;
  sol_get_clock_sysvar(&clock);
  REQUIRE(args->deadline > clock.unix_timestamp, ERR_DEADLINE);
  REQUIRE(args->deadline - clock.unix_timestamp <= LONGEST_TERM, ERR_DEADLINE);

  /* Found, not taken from the caller: with a bump of the caller's choice one job could have several escrows. */
  u8 bump, vault_bump;
  Key address;
  Seed escrow_seeds[3] = {TEXT(ESCROW_SEED), {args->job_id, JOB_ID_LEN}, {&bump, 1}};
  REQUIRE(!sol_try_find_program_address(escrow_seeds, 2, input->program, &address, &bump), ERR_ADDRESS);
  REQUIRE(same_key(&address, escrow_account->key), ERR_ADDRESS);
  Seed vault_seeds[3] = {TEXT(VAULT_SEED), {args->job_id, JOB_ID_LEN}, {&vault_bump, 1}};
  REQUIRE(!sol_try_find_program_address(vault_seeds, 2, input->program, &address, &vault_bump), ERR_ADDRESS);
  REQUIRE(same_key(&address, vault->key), ERR_VAULT);
  REQUIRE(is_unused(escrow_account) && is_unused(vault), ERR_EXISTS);

  SignerSeeds escrow_signer = {escrow_seeds, 3}, vault_signer = {vault_seeds, 3};
  Creation escrow_creation = {payer, escrow_account, sizeof(Escrow), input->program, &escrow_signer};
  REQUIRE(!create_account(input, &escrow_creation), ERR_RENT);
  Creation vault_creation = {payer, vault, sizeof(TokenAccount), &TOKEN_PROGRAM, &vault_signer};
  REQUIRE(!create_account(input, &vault_creation), ERR_RENT);
  TRY(token_initialize(input, vault, mint, escrow_account->key));
  TokenAuthority by = {spender->key, 0};
  TRY(token_transfer(input, source, vault, args->amount, &by));

  config->escrows += 1;
  Escrow *escrow = (Escrow *)escrow_account->data;
  escrow->tag = ESCROW_TAG;
  for (int i = 0; i < JOB_ID_LEN; i++) escrow->job_id[i] = args->job_id[i];
  escrow->serial = config->escrows;
  escrow->user = *user->key;
  escrow->rent_payer = *payer->key;
  escrow->mint = *mint->key;
  escrow->treasury = config->treasury;
  escrow->amount = args->amount;
  escrow->created = clock.unix_timestamp;
  escrow->deadline = args->deadline;
  escrow->fee_bps = config->fee_bps;
  escrow->bump = bump;
  escrow->vault_bump = vault_bump;
  /* That the Token program did what it was told; it can be replaced on a cluster, and this one would then stop here. */
  return check_vault(input, escrow_account, vault, escrow);
}

/*
 * Accounts: authority (signs), config, escrow (written). What the former node has not been paid by now, it will not be.
 */
APART u64 assign(Input *input) {
  const AssignArgs *args = ARGS(AssignArgs, input);
  REQUIRE(args, ERR_INSTRUCTION);
  REQUIRE(input->count == 3, ERR_ACCOUNTS);
  Config *config;
  TRY(load_for_authority(input, &input->account[1], &config));
  Escrow *escrow;
  TRY(load_escrow(input, &input->account[2], &escrow));
  TRY(check_expected(escrow, &args->expected));
  REQUIRE(args->attempt > escrow->attempt, ERR_STALE_ATTEMPT);
  REQUIRE(!is_zero_key(&args->node), ERR_KEY);
  escrow->attempt = args->attempt;
  escrow->node = args->node;
  return 0;
}

typedef struct {
  Account *escrow_account, *vault, *node, *treasury;
  Escrow *escrow;
} Payment;

/* The accounts that claim and release_payment have in common, in their order, and all checks on them. */
APART u64 load_payment(Input *input, const Expected *expected, u64 attempt, Payment *payment) {
  Config *config;
  TRY(load_for_authority(input, &input->account[1], &config));
  payment->escrow_account = &input->account[2];
  payment->vault = &input->account[3];
  payment->node = &input->account[4];
  payment->treasury = &input->account[5];
  REQUIRE(same_key(input->account[6].key, &TOKEN_PROGRAM), ERR_PROGRAM);
  TRY(load_escrow(input, payment->escrow_account, &payment->escrow));
  Escrow *escrow = payment->escrow;
  TRY(check_expected(escrow, expected));
  REQUIRE(!is_zero_key(&escrow->node), ERR_UNASSIGNED);
  REQUIRE(escrow->attempt == attempt, ERR_STALE_ATTEMPT);
  TRY(check_vault(input, payment->escrow_account, payment->vault, escrow));
  TRY(check_payee(payment->node, payment->vault, &escrow->mint, ERR_NODE_ACCOUNT));
  REQUIRE(same_key(token_owner(payment->node), &escrow->node), ERR_NODE_ACCOUNT);
  REQUIRE(same_key(payment->treasury->key, &escrow->treasury), ERR_TREASURY);
  TRY(check_payee(payment->treasury, payment->vault, &escrow->mint, ERR_TREASURY));
  return 0;
}

/* Everything that an escrow signs for: its seeds stay alive as long as the caller's frame. */
#define ESCROW_SIGNS(name, account_, escrow_)                                                                          \
  u8 name##_bump = (u8)(escrow_)->bump;                                                                                \
  Seed name##_seeds[3] = {TEXT(ESCROW_SEED), {(escrow_)->job_id, JOB_ID_LEN}, {&name##_bump, 1}};                       \
  SignerSeeds name##_signer = {name##_seeds, 3};                                                                       \
  TokenAuthority name = {(account_)->key, &name##_signer}

/* Splits `amount` of what is left. `surplus` goes to the treasury on top. */
APART u64 pay(Input *input, Payment *payment, u64 amount, u64 surplus) {
  Escrow *escrow = payment->escrow;
  REQUIRE(amount <= escrow->amount - escrow->released, ERR_AMOUNT);
  u64 after = escrow->released + amount;
  u64 fee = fee_on(after, escrow->fee_bps) - fee_on(escrow->released, escrow->fee_bps);
  escrow->released = after;
  ESCROW_SIGNS(by, payment->escrow_account, escrow);
  TRY(token_transfer(input, payment->vault, payment->node, amount - fee, &by));
  return token_transfer(input, payment->vault, payment->treasury, fee + surplus, &by);
}

/* Vault and escrow go, and the lamports of both return to whoever paid them. The vault is empty. */
APART u64 close_escrow(Input *input, Account *escrow_account, Account *vault, Account *rent_payer) {
  const Escrow *escrow = (const Escrow *)escrow_account->data;
  ESCROW_SIGNS(by, escrow_account, escrow);
  TRY(token_close(input, vault, rent_payer, &by));
  close_account(escrow_account, rent_payer);
  return 0;
}

INLINE u64 check_rent_payer(const Account *account, const Escrow *escrow) {
  REQUIRE(account->is_writable, ERR_NOT_WRITABLE);
  REQUIRE(same_key(account->key, &escrow->rent_payer), ERR_RENT_PAYER);
  return 0;
}

/*
 * Accounts: authority (signs), config, escrow, vault, node's token account, treasury (all four written), Token program.
 */
APART u64 claim(Input *input) {
  const ClaimArgs *args = ARGS(ClaimArgs, input);
  REQUIRE(args, ERR_INSTRUCTION);
  REQUIRE(input->count == 7, ERR_ACCOUNTS);
  Payment payment;
  TRY(load_payment(input, &args->expected, args->attempt, &payment));
  REQUIRE(args->amount > 0, ERR_AMOUNT);
  return pay(input, &payment, args->amount, 0);
}

/*
 * Accounts: as claim, and the rent payer (written). Should that one have become something that can take no lamports, a
 * claim of all that is left pays the node as well.
 */
APART u64 release_payment(Input *input) {
  const ReleaseArgs *args = ARGS(ReleaseArgs, input);
  REQUIRE(args, ERR_INSTRUCTION);
  REQUIRE(input->count == 8, ERR_ACCOUNTS);
  Payment payment;
  TRY(load_payment(input, &args->expected, args->attempt, &payment));
  TRY(check_rent_payer(&input->account[7], payment.escrow));
  u64 left = payment.escrow->amount - payment.escrow->released;
  TRY(pay(input, &payment, left, token_account(payment.vault)->amount - left));
  return close_escrow(input, payment.escrow_account, payment.vault, &input->account[7]);
}

/*
 * Accounts: authority or user (signs), config, escrow, vault, a token account of the user, rent payer (these four
 * written), Token program. No node is asked: what it had earned must have been claimed before the deadline.
 */
APART u64 refund(Input *input) {
  const RefundArgs *args = ARGS(RefundArgs, input);
  REQUIRE(args, ERR_INSTRUCTION);
  REQUIRE(input->count == 7, ERR_ACCOUNTS);
  Account *caller = &input->account[0], *escrow_account = &input->account[2], *vault = &input->account[3];
  Account *receiver = &input->account[4], *rent_payer = &input->account[5];
  Config *config;
  TRY(load_config(input, &input->account[1], &config));
  Escrow *escrow;
  TRY(load_escrow(input, escrow_account, &escrow));
  REQUIRE(caller->is_signer, ERR_SIGNATURE);
  REQUIRE(same_key(input->account[6].key, &TOKEN_PROGRAM), ERR_PROGRAM);
  if (!same_key(caller->key, &config->authority)) {
    REQUIRE(same_key(caller->key, &escrow->user), ERR_NOT_USER);
    Clock clock;
    sol_get_clock_sysvar(&clock);
    REQUIRE(clock.unix_timestamp >= escrow->deadline, ERR_TOO_EARLY);
  }
  TRY(check_expected(escrow, &args->expected));
  TRY(check_vault(input, escrow_account, vault, escrow));
  TRY(check_payee(receiver, vault, &escrow->mint, ERR_USER_ACCOUNT));
  REQUIRE(same_key(token_owner(receiver), &escrow->user), ERR_USER_ACCOUNT);
  TRY(check_rent_payer(rent_payer, escrow));
  ESCROW_SIGNS(by, escrow_account, escrow);
  TRY(token_transfer(input, vault, receiver, token_account(vault)->amount, &by));
  return close_escrow(input, escrow_account, vault, rent_payer);
}

u64 entrypoint(u8 *buffer) {
  Input input;
  REQUIRE(read_input(buffer, &input), ERR_ACCOUNTS);
  REQUIRE(input.data_len >= sizeof(u64), ERR_INSTRUCTION);
  switch (*(const u64 *)input.data) {
    case INITIALIZE: return initialize(&input);
    case CONFIGURE: return configure(&input);
    case ROTATE: return rotate(&input);
    case CREATE_ESCROW: return create_escrow(&input);
    case ASSIGN: return assign(&input);
    case CLAIM: return claim(&input);
    case RELEASE_PAYMENT: return release_payment(&input);
    case REFUND: return refund(&input);
    default: return ERR_INSTRUCTION;
  }
}
