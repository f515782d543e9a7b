/** A wallet's side of the chain: what it holds, what it has allowed, and the play money of the local chain. */
import { Connection, type Keypair, PublicKey, Transaction } from "@solana/web3.js";
import { approveAllowance, associatedTokenAddress } from "../../chain/escrow/index.ts";
import { type JsonObject, textOf } from "../client/rest.ts";
import { CliError } from "../errors.ts";
import { Exit } from "../exit-codes.ts";

export interface Holdings {
  readonly lamports: bigint;
  /** Base units, like the allowance: what the server may take for jobs. */
  readonly tokens: bigint;
  readonly allowed: bigint;
}

/** A slot is 0.4 s; on the local chain a transaction is final after two. */
const POLL_MS = 200;
const MOST_POLLS = 300;

export class WalletCluster {
  readonly #connection: Connection;
  readonly #mint: PublicKey;
  readonly #authority: PublicKey;

  /** @param facts what the server tells of its chain */
  constructor(
    facts: JsonObject,
    private readonly wallet: Keypair,
  ) {
    const url = textOf(facts, "rpc_url");
    if (textOf(facts, "network") === "none" || url === "") {
      throw new CliError(
        "this server's jobs are not paid for: no chain is there",
        Exit.failure,
        "Start it with --blockchain.paid_jobs=with_wallet (docs/payments.md).",
      );
    }
    this.#connection = new Connection(url, "confirmed");
    this.#mint = new PublicKey(textOf(facts, "token_mint"));
    this.#authority = new PublicKey(textOf(facts, "authority"));
  }

  async holdings(): Promise<Holdings> {
    const [lamports, account] = await Promise.all([
      this.#connection.getBalance(this.wallet.publicKey),
      this.#connection.getParsedAccountInfo(this.#account),
    ]);
    const data = account.value?.data;
    const info = data && "parsed" in data ? (data.parsed as { readonly info: TokenAccountInfo }).info : null;
    const isOurs = info?.delegate === this.#authority.toBase58();
    return {
      lamports: BigInt(lamports),
      tokens: BigInt(info?.tokenAmount.amount ?? 0),
      allowed: isOurs ? BigInt(info?.delegatedAmount?.amount ?? 0) : 0n,
    };
  }

  /** Of the local chain: a cluster that is worth anything gives nothing away. */
  async fund(lamports: bigint, tokens: bigint): Promise<void> {
    const address = this.wallet.publicKey.toBase58();
    for (const [method, amount] of [
      ["requestAirdrop", lamports],
      ["requestTokens", tokens],
    ] as const) {
      const request = { jsonrpc: "2.0", id: 1, method, params: [address, Number(amount)] };
      const headers = { "content-type": "application/json" };
      const reply = await fetch(this.#connection.rpcEndpoint, {
        method: "POST",
        headers,
        body: JSON.stringify(request),
      });
      const { result, error } = (await reply.json()) as {
        readonly result?: string;
        readonly error?: { readonly message: string };
      };
      if (result === undefined) throw new CliError(`the chain gave nothing: ${error?.message ?? "no answer"}`);
      await this.#landed(result);
    }
  }

  /** The server may take so much for jobs from now on, whatever it might before. */
  async allow(tokens: bigint): Promise<void> {
    const { blockhash, lastValidBlockHeight } = await this.#connection.getLatestBlockhash();
    const transaction = new Transaction({ feePayer: this.wallet.publicKey, blockhash, lastValidBlockHeight });
    transaction.add(approveAllowance(this.wallet.publicKey, this.#account, this.#authority, tokens)).sign(this.wallet);
    try {
      await this.#landed(await this.#connection.sendRawTransaction(transaction.serialize()));
    } catch (cause) {
      if (cause instanceof CliError) throw cause;
      throw new CliError(
        "the chain refused the allowance; does the wallet hold tokens, and lamports for the fee?",
        Exit.failure,
        "On the local chain `cyxwiz wallet --fund` gives both.",
        { cause },
      );
    }
  }

  get #account(): PublicKey {
    return associatedTokenAddress(this.wallet.publicKey, this.#mint);
  }

  async #landed(signature: string): Promise<void> {
    for (let poll = 0; poll < MOST_POLLS; poll++) {
      const { value } = await this.#connection.getSignatureStatuses([signature]);
      const [status] = value;
      if (status?.err) throw new CliError(`the transaction ${signature} failed: ${JSON.stringify(status.err)}`);
      if (status?.confirmationStatus === "finalized" || status?.confirmationStatus === "confirmed") return;
      await Bun.sleep(POLL_MS);
    }
    throw new CliError(`the transaction ${signature} was not confirmed within a minute`);
  }
}

interface TokenAccountInfo {
  readonly tokenAmount: { readonly amount: string };
  readonly delegate?: string;
  readonly delegatedAmount?: { readonly amount: string };
}
