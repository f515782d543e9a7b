/** The local chain made ready for payments: the escrow program deployed and initialised, the treasury there. */
import { join } from "node:path";
import { type Connection, Keypair, type PublicKey, Transaction, type TransactionInstruction } from "@solana/web3.js";
import type { Clock, Millis } from "../../actors/runtime/index.ts";
import {
  associatedTokenAddress,
  configAddress,
  configure,
  ensureTokenAccount,
  initialize,
  parseConfig,
} from "../escrow/index.ts";
import { keypairIn, type OpenedChain, SLOT_MS } from "../local/index.ts";
import { deployProgram, jobEscrowImage, programDataAddress } from "../programs/index.ts";
import { EscrowChain } from "./escrow-chain.ts";

export interface LocalPaymentsOptions {
  readonly opened: OpenedChain;
  /** Of the chain, where the program's keys are kept; null: in memory, like the chain. */
  readonly directory: string | null;
  readonly clock: Clock;
  readonly feeBps: number;
  readonly lifetime: Millis;
  /** How long one slot takes. Absent: as on a cluster. */
  readonly slot?: Millis;
}

export interface LocalPayments {
  readonly chain: EscrowChain;
  readonly program: PublicKey;
  /** The platform's share is paid to this token account. */
  readonly treasury: PublicKey;
}

/** About a minute; each step is answered within two slots. */
const MOST_POLLS = 150;

/** Every step can be taken again, so a start that died in the middle is made good by the next. */
export async function localPayments(options: LocalPaymentsOptions): Promise<LocalPayments> {
  const { opened, directory, clock, feeBps, slot = SLOT_MS } = options;
  const { server, mint } = opened;
  const connection = opened.connection("confirmed");
  const pause = (delay: Millis): Promise<void> => new Promise((resolve) => clock.after(Math.min(delay, slot), resolve));
  const keys = (name: string): Keypair => (directory === null ? Keypair.generate() : keypairIn(join(directory, name)));
  const programKeys = keys("escrow-program.json");
  const program = programKeys.publicKey;
  await deployProgram(
    connection,
    { image: await jobEscrowImage(), program: programKeys, buffer: keys("escrow-buffer.json"), payer: server },
    { pause },
  );
  const treasury = associatedTokenAddress(server.publicKey, mint);
  const settings = { authority: server.publicKey, treasury, mint, feeBps };
  const account = await connection.getAccountInfo(configAddress(program), "confirmed");
  const config = account && parseConfig(account.data);
  const steps: TransactionInstruction[] = [];
  if (config === null) {
    const { publicKey } = server;
    const programData = programDataAddress(program);
    steps.push(ensureTokenAccount(publicKey, publicKey, mint));
    steps.push(
      initialize(program, {
        ...settings,
        payer: publicKey,
        upgradeAuthority: publicKey,
        programData,
        admin: publicKey,
      }),
    );
  } else if (config.feeBps !== feeBps) steps.push(configure(program, { ...settings, admin: server.publicKey }));
  if (steps.length > 0) await done(connection, server, steps, pause);
  const { lifetime } = options;
  return {
    chain: new EscrowChain({ connection, program, authority: server, clock, lifetime }),
    program,
    treasury,
  };
}

async function done(
  connection: Connection,
  signer: Keypair,
  instructions: readonly TransactionInstruction[],
  pause: (delay: Millis) => Promise<void>,
): Promise<void> {
  const { blockhash, lastValidBlockHeight } = await connection.getLatestBlockhash("confirmed");
  const transaction = new Transaction({ feePayer: signer.publicKey, blockhash, lastValidBlockHeight });
  transaction.add(...instructions);
  transaction.sign(signer);
  const signature = await connection.sendRawTransaction(transaction.serialize());
  for (let poll = 0; poll < MOST_POLLS; poll++) {
    const { value } = await connection.getSignatureStatuses([signature]);
    const [status] = value;
    if (status?.err) throw new Error(`the escrow program could not be set up: ${JSON.stringify(status.err)}`);
    if (status?.confirmationStatus === "finalized" || status?.confirmationStatus === "confirmed") return;
    await pause(SLOT_MS);
  }
  throw new Error(
    `the transaction ${signature} that sets up the escrow program is not confirmed; is the clock halted?`,
  );
}
