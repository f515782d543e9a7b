/** Where money moves. */
import { key, optional } from "../key.ts";
import { choice, decimal, flag, path, whole } from "../kinds.ts";
import { listenAddress, publicKey, url } from "../network-kinds.ts";

export const blockchain = {
  doc: "Payments through Solana (docs/payments.md). So far on the local chain only, and where `paid_jobs` says so; otherwise prices are computed and recorded, and no money moves.",
  keys: {
    enabled: key(flag(), true, 'false is the same as `network = "none"`: costs are recorded, no money moves.'),
    network: key(
      choice(["local", "devnet", "testnet", "mainnet-beta", "none"]),
      "local",
      "`local` is a Solana chain inside this process, for development: play money, no network.",
    ),
    paid_jobs: key(
      choice(["none", "with_wallet"]),
      "none",
      'Which jobs are paid through escrow: `with_wallet`, those whose `payment_address` is a Solana wallet; their price is taken under its allowance to the server. Needs `network = "local"`.',
    ),
    solana_rpc_url: optional(url(["https", "http"]), "The cluster's RPC address. Absent: the public one of `network`."),
    local_rpc_address: key(
      listenAddress(),
      "127.0.0.1:8899",
      "Where the local chain answers wallets and other programs.",
    ),
    payer_keypair_path: key(
      path(),
      "~/.config/solana/id.json",
      "The server's key pair: signs settlements and pays their fees. The local chain makes its own.",
    ),
    program_id: optional(
      publicKey(),
      "The escrow program, when it is not the one deployed on `network` by this project.",
    ),
    token_mint: optional(publicKey(), "The CYXWIZ token. Absent: the one known for `network`."),
    platform_token_account: optional(
      publicKey(),
      "Receives the platform's fee. Absent: the server's own token account.",
    ),
    platform_fee_percent: key(
      decimal({ min: 0, max: 100 }, 2),
      10,
      "The platform's share of each payment; the node gets the rest.",
    ),
    funding_timeout_ms: key(
      whole({ min: 1000, max: 86_400_000 }, "milliseconds"),
      300_000,
      "How long a job waits for its money to be locked before it is cancelled.",
    ),
  },
} as const;
