/**
 * Deploys a program through the upgradeable loader, as `solana program deploy` does, over any cluster. It goes by what is on
 * the chain and not by what it has sent: read the buffer, write the parts that differ, read again. So lost transactions are
 * sent once more, and a deployment that broke off is resumed by starting it again with the same keys.
 */
import {
  type Connection,
  type PublicKey,
  type Signer,
  Transaction,
  type TransactionInstruction,
} from "@solana/web3.js";
import {
  BUFFER_HEADER,
  createBuffer,
  deployBuffer,
  PROGRAM_SIZE,
  parseBuffer,
  parseProgramData,
  programDataAddress,
  UPGRADEABLE_LOADER,
  writeBuffer,
} from "./loader.ts";

/** What a deployment asks of a cluster; a web3.js `Connection` is one. */
export type Cluster = Pick<
  Connection,
  | "getAccountInfo"
  | "getBlockHeight"
  | "getLatestBlockhash"
  | "getMinimumBalanceForRentExemption"
  | "getSignatureStatuses"
  | "getSlot"
  | "sendRawTransaction"
>;

export interface Deployment {
  readonly image: Uint8Array;
  /** Its address becomes the program's id. */
  readonly program: Signer;
  /** Any key pair; kept, it allows to resume. */
  readonly buffer: Signer;
  /** Pays, and becomes the program's upgrade authority. */
  readonly payer: Signer;
}

export interface DeployOptions {
  readonly pause: (ms: number) => Promise<void>;
  /** Told before each step, for the operator. */
  readonly onStep?: (step: string) => void;
}

export type DeployOutcome = "deployed" | "already deployed";

/**
 * A transaction has room for 1232 bytes; signature, three addresses, blockhash and the loader's own fields take 220.
 */
const LARGEST_WRITE = 1000;
/** Sent before the first of them is looked for: a public node refuses more than some tens of requests in a second. */
const WRITES_AT_ONCE = 20;
/** Of writing all that is missing. One is enough where nothing is lost. */
const MOST_ROUNDS = 10;
const POLL_MS = 400;
/** A new program runs from the next slot on; this many polls are about a minute, a hundred slots. */
const MOST_POLLS_FOR_SLOT = 150;

/**
 * @returns once the program can be called
 * @throws Error when something else lies at one of the addresses, a transaction is refused or expires, or the cluster is gone
 */
export async function deployProgram(
  cluster: Cluster,
  deployment: Deployment,
  options: DeployOptions,
): Promise<DeployOutcome> {
  const { image, program, buffer, payer } = deployment;
  const present = await cluster.getAccountInfo(program.publicKey, "confirmed");
  if (present !== null) {
    await expectSame(cluster, program.publicKey, image);
    return "already deployed";
  }
  const sender = new Sender(cluster, payer, options);
  if ((await bufferContent(cluster, deployment)) === null) {
    options.onStep?.(`creating a buffer of ${image.length} bytes`);
    const lamports = await cluster.getMinimumBalanceForRentExemption(BUFFER_HEADER + image.length);
    const create = createBuffer(payer.publicKey, buffer.publicKey, image.length, lamports);
    await sender.settle([await sender.send(create, [buffer])]);
  }
  await fillBuffer(cluster, deployment, sender, options);
  options.onStep?.(`deploying ${program.publicKey.toBase58()}`);
  const lamports = await cluster.getMinimumBalanceForRentExemption(PROGRAM_SIZE);
  const deploy = deployBuffer(payer.publicKey, buffer.publicKey, program.publicKey, image.length, lamports);
  const landedIn = await sender.settle([await sender.send(deploy, [program])]);
  for (let poll = 0; poll < MOST_POLLS_FOR_SLOT; poll++) {
    if ((await cluster.getSlot("confirmed")) > landedIn) return "deployed";
    await options.pause(POLL_MS);
  }
  throw new Error(`deployed in slot ${landedIn}, but the cluster does not come to the next one; is it halted?`);
}

async function expectSame(cluster: Cluster, program: PublicKey, image: Uint8Array): Promise<void> {
  const id = program.toBase58();
  const data = await cluster.getAccountInfo(programDataAddress(program), "confirmed");
  if (data === null) throw new Error(`${id} exists and is no program of the upgradeable loader; choose another key`);
  const { content } = parseProgramData(data.data);
  const same = Buffer.compare(content.subarray(0, image.length), image) === 0;
  if (same && content.subarray(image.length).every((byte) => byte === 0)) return;
  throw new Error(`another version of the program is deployed at ${id}; upgrade it with "solana program deploy"`);
}

/** Null when there is none yet. */
async function bufferContent(cluster: Cluster, { buffer, payer, image }: Deployment): Promise<Uint8Array | null> {
  const account = await cluster.getAccountInfo(buffer.publicKey, "confirmed");
  if (account === null) return null;
  const id = buffer.publicKey.toBase58();
  if (!account.owner.equals(UPGRADEABLE_LOADER)) throw new Error(`buffer ${id} is another account; choose another key`);
  const { authority, content } = parseBuffer(account.data);
  if (authority?.equals(payer.publicKey) !== true)
    throw new Error(`buffer ${id} is not the payer's; choose another key`);
  if (content.length !== image.length) {
    throw new Error(
      `buffer ${id} has room for ${content.length} bytes, the program has ${image.length}; choose another key`,
    );
  }
  return content;
}

async function fillBuffer(
  cluster: Cluster,
  deployment: Deployment,
  sender: Sender,
  { onStep, pause }: DeployOptions,
): Promise<void> {
  const { image, buffer, payer } = deployment;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const content = await bufferContent(cluster, deployment);
    if (content === null) {
      // A public address is many nodes, and this one has not heard of the buffer yet.
      await pause(POLL_MS);
      continue;
    }
    const offsets = differing(content, image);
    if (offsets.length === 0) return;
    onStep?.(`writing ${offsets.length} parts`);
    for (let first = 0; first < offsets.length; first += WRITES_AT_ONCE) {
      const sent: Sent[] = [];
      for (const offset of offsets.slice(first, first + WRITES_AT_ONCE)) {
        const part = image.subarray(offset, offset + LARGEST_WRITE);
        sent.push(await sender.send([writeBuffer(payer.publicKey, buffer.publicKey, offset, part)], []));
      }
      await sender.settle(sent, { mayBeLost: true }); // the next round writes them again
    }
  }
  throw new Error(`the buffer is still incomplete after ${MOST_ROUNDS} rounds; try again, what is written stays`);
}

/** Where the parts begin that are not yet as they should be. */
function differing(content: Uint8Array, image: Uint8Array): number[] {
  const offsets: number[] = [];
  for (let offset = 0; offset < image.length; offset += LARGEST_WRITE) {
    const end = offset + LARGEST_WRITE;
    if (Buffer.compare(content.subarray(offset, end), image.subarray(offset, end)) !== 0) offsets.push(offset);
  }
  return offsets;
}

interface Sent {
  readonly signature: string;
  /** Past this height it can no longer land. */
  readonly lastHeight: number;
}

/** Sends transactions and waits for them by polling: a web3.js confirmation needs a web socket. */
class Sender {
  constructor(
    private readonly cluster: Cluster,
    private readonly payer: Signer,
    private readonly options: DeployOptions,
  ) {}

  async send(instructions: readonly TransactionInstruction[], signers: readonly Signer[]): Promise<Sent> {
    const { blockhash, lastValidBlockHeight } = await this.cluster.getLatestBlockhash("confirmed");
    const transaction = new Transaction({ feePayer: this.payer.publicKey, blockhash, lastValidBlockHeight });
    transaction.add(...instructions);
    transaction.sign(this.payer, ...signers);
    // Its own verification, in JavaScript, takes longer than all the rest; the cluster verifies anyway.
    const bytes = transaction.serialize({ verifySignatures: false });
    const signature = await this.cluster.sendRawTransaction(bytes, {
      preflightCommitment: "confirmed",
    });
    return { signature, lastHeight: lastValidBlockHeight };
  }

  /**
   * Waits until each has landed or can no longer do so.
   * @param mayBeLost those that expire are no error
   * @returns the highest slot that one landed in
   */
  async settle(sent: readonly Sent[], { mayBeLost } = { mayBeLost: false }): Promise<number> {
    let waiting = sent;
    let slot = 0;
    for (;;) {
      // Before the statuses: what had not landed when this height was over will not.
      const height = await this.cluster.getBlockHeight("confirmed");
      const { value } = await this.cluster.getSignatureStatuses(waiting.map(({ signature }) => signature));
      const still: Sent[] = [];
      for (const [index, one] of waiting.entries()) {
        const status = value[index] ?? null;
        if (status?.err) throw new Error(`transaction ${one.signature} failed: ${JSON.stringify(status.err)}`);
        if (status?.confirmationStatus === "confirmed" || status?.confirmationStatus === "finalized") {
          slot = Math.max(slot, status.slot);
        } else if (status !== null || height <= one.lastHeight) {
          still.push(one);
        } else if (!mayBeLost) {
          throw new Error(`transaction ${one.signature} expired without landing; try again with the same keys`);
        }
      }
      if (still.length === 0) return slot;
      waiting = still;
      await this.options.pause(POLL_MS);
    }
  }
}
