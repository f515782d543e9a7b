/**
 * Payments on a Solana cluster, through JobEscrow. It makes the transactions that payments order, as the platform's authority, and tells
 * what became of them; when which is made, sent and made anew is the payment actor's to decide.
 */
import {
  type Connection,
  type Keypair,
  PublicKey,
  Transaction,
  type TransactionInstruction,
  VersionedTransaction,
} from "@solana/web3.js";
import type { EscrowTerms, Order, PaymentChain, Sight, SignedTransaction } from "../../actors/payment/chain.ts";
import { OrderRefused } from "../../actors/payment/chain.ts";
import type { Clock, Millis } from "../../actors/runtime/index.ts";
import { encodeBase58 } from "../../domain/base58.ts";
import { type JobId, parseJobId } from "../../domain/ids.ts";
import {
  assign,
  claim,
  configAddress,
  createEscrow,
  type Escrow,
  type EscrowConfig,
  ensureTokenAccount,
  escrowAddress,
  escrowErrorIn,
  parseConfig,
  parseEscrow,
  refund,
  releasePayment,
} from "../escrow/index.ts";
import { Looks } from "./looks.ts";

export interface EscrowChainOptions {
  readonly connection: Connection;
  /** JobEscrow's id on this cluster. */
  readonly program: PublicKey;
  /** The platform's key: authority of the escrows, delegate of the users' allowances, payer of fees and rent. */
  readonly authority: Keypair;
  readonly clock: Clock;
  /** From the lock until the user may take back alone what is left. */
  readonly lifetime: Millis;
}

export class EscrowChain implements PaymentChain {
  readonly #looks: Looks;

  constructor(private readonly options: EscrowChainOptions) {
    this.#looks = new Looks(options.connection, options.clock, explained);
  }

  async sign(terms: EscrowTerms, order: Order): Promise<SignedTransaction> {
    const { authority, connection } = this.options;
    const instructions =
      order.kind === "lock" ? await this.#lock(terms, BigInt(order.amount)) : await this.#pay(terms, order);
    const { blockhash, lastValidBlockHeight } = await connection.getLatestBlockhash("confirmed");
    const transaction = new Transaction({ feePayer: authority.publicKey, blockhash, lastValidBlockHeight });
    transaction.add(...instructions);
    transaction.sign(authority);
    const { signature } = transaction;
    if (signature === null) throw new Error("a signed transaction has a signature");
    const bytes = transaction.serialize({ verifySignatures: false });
    if (order.kind === "lock") await this.#requirePossible(bytes);
    return {
      bytes: bytes.toString("base64"),
      signature: encodeBase58(signature),
      lastValidHeight: lastValidBlockHeight,
    };
  }

  async send({ bytes }: SignedTransaction): Promise<void> {
    // No trial run: bytes that are sent again may have landed, and then any trial of them fails.
    await this.options.connection.sendRawTransaction(Buffer.from(bytes, "base64"), {
      skipPreflight: true,
      maxRetries: 0,
    });
  }

  look(signature: string): Promise<Sight> {
    return this.#looks.look(signature);
  }

  async #lock({ jobId, userWallet, feeBps }: EscrowTerms, amount: bigint): Promise<readonly TransactionInstruction[]> {
    const { program, authority, clock, lifetime } = this.options;
    const config = await this.#config();
    if (config.feeBps !== feeBps) {
      throw new OrderRefused(
        `the job was accepted at a fee of ${feeBps / 100} %, the escrow program takes ${config.feeBps / 100} %: configure one of the two`,
      );
    }
    return [
      createEscrow(program, {
        job: idOf(jobId),
        amount,
        deadline: BigInt(Math.floor((clock.now() + lifetime) / 1000)),
        user: walletOf("payment_address", userWallet),
        mint: config.mint,
        spender: authority.publicKey,
      }),
    ];
  }

  async #pay(
    { jobId }: EscrowTerms,
    order: Exclude<Order, { readonly kind: "lock" }>,
  ): Promise<TransactionInstruction[]> {
    const { program, authority } = this.options;
    const escrow = await this.#escrow(idOf(jobId));
    // The program would say the same, at the price of a transaction.
    if (escrow.released !== BigInt(order.releasedBefore)) {
      throw new OrderRefused(`${escrow.released} have been released of ${jobId}, and not ${order.releasedBefore}`);
    }
    if (order.kind === "refund") {
      return [
        ensureTokenAccount(authority.publicKey, escrow.user, escrow.mint),
        refund(program, escrow, { signer: authority.publicKey }),
      ];
    }
    const node = walletOf("wallet_address of the node", order.payee);
    const isAssigned = escrow.node?.equals(node) === true;
    const attempt = isAssigned ? escrow.attempt : escrow.attempt + 1n;
    const payment = { authority: authority.publicKey, node };
    const believed = { ...escrow, attempt };
    return [
      ...(isAssigned ? [] : [assign(program, escrow, { authority: authority.publicKey, attempt, node })]),
      ensureTokenAccount(authority.publicKey, node, escrow.mint),
      order.kind === "claim"
        ? claim(program, believed, { ...payment, amount: BigInt(order.amount) })
        : releasePayment(program, believed, payment),
    ];
  }

  /** A lock may be asked for that the user's money or allowance does not cover: better said at once than by a failed transaction. */
  async #requirePossible(bytes: Buffer): Promise<void> {
    // As a versioned transaction: of a legacy one web3.js would put a blockhash of its own in, up to half a minute old.
    const transaction = VersionedTransaction.deserialize(bytes);
    const options = { sigVerify: false, replaceRecentBlockhash: true, commitment: "confirmed" } as const;
    const { value } = await this.options.connection.simulateTransaction(transaction, options);
    if (value.err === null) return;
    // What no program said is no answer to the order; it is asked again.
    const isAnswer = typeof value.err === "object" && "InstructionError" in value.err;
    throw isAnswer ? new OrderRefused(explained(value.err)) : new Error(`no trial run: ${JSON.stringify(value.err)}`);
  }

  async #config(): Promise<EscrowConfig> {
    const { connection, program } = this.options;
    const account = await connection.getAccountInfo(configAddress(program), "confirmed");
    if (account === null)
      throw new Error(`the escrow program ${program.toBase58()} is not initialised on this cluster`);
    return parseConfig(account.data);
  }

  async #escrow(job: JobId): Promise<Escrow> {
    const { connection, program } = this.options;
    const account = await connection.getAccountInfo(escrowAddress(program, job), "confirmed");
    if (account === null)
      throw new OrderRefused(`there is no escrow of ${job}: it was never made, or it has been closed`);
    return parseEscrow(account.data);
  }
}

function explained(error: unknown): string {
  return escrowErrorIn(error)?.explanation ?? `the cluster refused the transaction: ${JSON.stringify(error)}`;
}

function idOf(jobId: string): JobId {
  const id = parseJobId(jobId);
  if (id === null) throw new OrderRefused(`${jobId} is no job's id`);
  return id;
}

function walletOf(field: string, text: string): PublicKey {
  try {
    return new PublicKey(text);
  } catch {
    throw new OrderRefused(`${field}: ${JSON.stringify(text)} is no Solana address`);
  }
}
