/*
 * What JobEscrow keeps and what it answers: the two kinds of account, the arguments of each instruction, the error
 * codes. The client mirrors all of it in src/chain/escrow (accounts.ts, instructions.ts, errors.ts); the tests compare
 * the two.
 */
#pragma once
#include "../solana/abi.h"

/* The first eight bytes of an account, readable in a dump: "CYXESCFG", "CYXESCRW". */
#define CONFIG_TAG 0x4746435345585943UL
#define ESCROW_TAG 0x5752435345585943UL

/* One per program, at ["config"]. Never closed, so `escrows` only grows. */
typedef struct {
  u64 tag;
  Key admin;
  Key authority;
  Key treasury;
  Key mint;
  u64 fee_bps;
  u64 escrows; /* how many there ever were; the newest one's serial */
  u64 bump;
} Config;
_Static_assert(sizeof(Config) == 160, "the client parses this layout");

/*
 * One per job, at ["escrow", job id]; its tokens at ["vault", job id]. What the user agreed to at creation is in here.
 */
typedef struct {
  u64 tag;
  u8 job_id[16];
  u64 serial;
  Key user;
  Key node; /* zero until the first assignment */
  Key rent_payer;
  Key mint;
  Key treasury;
  u64 amount;
  u64 released;
  i64 created;
  i64 deadline;
  u64 attempt;
  u64 fee_bps;
  u64 bump;
  u64 vault_bump;
} Escrow;
_Static_assert(sizeof(Escrow) == 256, "the client parses this layout");

/* The first word of the instruction data. All words are 64 bits, little-endian, so that every field lies aligned. */
enum { INITIALIZE, CONFIGURE, ROTATE, CREATE_ESCROW, ASSIGN, CLAIM, RELEASE_PAYMENT, REFUND };

typedef struct { u64 kind; Key admin, authority; u64 fee_bps; } InitializeArgs;
typedef struct { u64 kind; Key authority; u64 fee_bps; } ConfigureArgs;
typedef struct { u64 kind; } RotateArgs;
typedef struct { u64 kind; u8 job_id[16]; u64 amount; i64 deadline; } CreateArgs;

/* What the sender believes of the escrow. See "Replays" in job_escrow.c. */
typedef struct { u64 serial, released; } Expected;
typedef struct { u64 kind; Expected expected; u64 attempt; Key node; } AssignArgs;
typedef struct { u64 kind; Expected expected; u64 attempt; u64 amount; } ClaimArgs;
typedef struct { u64 kind; Expected expected; u64 attempt; } ReleaseArgs;
typedef struct { u64 kind; Expected expected; } RefundArgs;

enum {
  ERR_INSTRUCTION = 6000,  /* unknown instruction, or arguments of another length */
  ERR_ACCOUNTS,            /* not as many accounts as the instruction takes */
  ERR_SIGNATURE,           /* the signature that the instruction needs is missing */
  ERR_NOT_WRITABLE,        /* an account that would be changed is not writable */
  ERR_ADDRESS,             /* an account is not at the address derived for it */
  ERR_PROGRAM,             /* the System or Token program is another one */
  ERR_NOT_UPGRADE_AUTHORITY,
  ERR_NOT_ADMIN,
  ERR_NOT_AUTHORITY,
  ERR_NOT_USER,            /* neither the server's authority nor the escrow's user */
  ERR_EXISTS,              /* the config, or an escrow of this job, is there already */
  ERR_CONFIG,              /* not this program's config account */
  ERR_ESCROW,              /* not an escrow account of this program */
  ERR_KEY,                 /* an address that must be given is zero */
  ERR_FEE,                 /* more than 10,000 basis points */
  ERR_MINT,                /* not a mint, or not the one of this escrow or config */
  ERR_TREASURY,            /* not the treasury token account of this escrow */
  ERR_SOURCE,              /* not a token account of the user in this mint */
  ERR_ALLOWANCE,           /* the user has not approved the authority for this much */
  ERR_FUNDS,               /* the user's token account holds less */
  ERR_AMOUNT,              /* zero, or more than is left in the escrow */
  ERR_DEADLINE,            /* in the past, or more than the longest term away */
  ERR_STALE_SERIAL,        /* meant for an earlier escrow of the same job id */
  ERR_STALE_RELEASED,      /* the released amount is another by now */
  ERR_STALE_ATTEMPT,       /* not the attempt that is assigned; or not a newer one */
  ERR_UNASSIGNED,          /* no node to pay */
  ERR_VAULT,               /* not this escrow's vault, or it is not safely its own */
  ERR_NODE_ACCOUNT,        /* not a token account of the assigned node */
  ERR_USER_ACCOUNT,        /* not a token account of the user */
  ERR_RENT_PAYER,          /* not the account that paid the rent */
  ERR_TOO_EARLY,           /* the user alone, before the deadline */
  ERR_RENT,                /* the cluster's rent cannot be told */
};
