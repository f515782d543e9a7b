/** A deployed and initialised JobEscrow with a user, two nodes, the server's keys and a stranger. */
import { expect } from "bun:test";
import { randomUUID } from "node:crypto";
import { Keypair, type PublicKey, type TransactionInstruction } from "@solana/web3.js";
import {
  assign,
  associatedTokenAddress,
  claim,
  configAddress,
  createEscrow,
  type Escrow,
  type EscrowConfig,
  type EscrowErrorName,
  ensureTokenAccount,
  escrowAddress,
  escrowErrorOf,
  initialize,
  parseConfig,
  parseEscrow,
  refund,
  releasePayment,
  vaultAddress,
} from "../../../src/chain/escrow/index.ts";
import {
  deployProgram,
  jobEscrowImage,
  programDataAddress,
  UPGRADEABLE_LOADER,
} from "../../../src/chain/programs/index.ts";
import type { JobId } from "../../../src/domain/ids.ts";
import { type Outcome, Vm } from "./vm.ts";

export const HOUR = 3600n;
export const FEE_BPS = 1000;
/** What the user has at the start. */
export const PURSE = 1_000_000_000_000n;
/** Lamports per signature. */
export const SIGNATURE = 5000n;

export const newJob = (): JobId => randomUUID() as JobId;

interface Built {
  readonly program: PublicKey;
  readonly upgrader: Keypair;
  readonly account: Uint8Array;
  readonly content: Uint8Array;
}

/** What the loader made of the program, once per process: the transactions of a deployment take longer than most tests. */
let built: Promise<Built> | undefined;

async function build(): Promise<Built> {
  const vm = new Vm();
  const keys = { program: Keypair.generate(), buffer: Keypair.generate(), payer: vm.wallet() };
  await deployProgram(vm.cluster(), { image: await jobEscrowImage(), ...keys }, { pause: async () => {} });
  const program = keys.program.publicKey;
  const content = vm.data(programDataAddress(program))!;
  return { program, upgrader: keys.payer, account: vm.data(program)!, content };
}

/** Deployed, not initialised. */
export class Deployed {
  readonly vm = new Vm();
  readonly program: PublicKey;
  readonly upgrader: Keypair;
  readonly admin = this.vm.wallet();
  readonly authority = this.vm.wallet();
  readonly user = this.vm.wallet();
  readonly node = this.vm.wallet();
  readonly otherNode = this.vm.wallet();
  readonly stranger = this.vm.wallet();
  /** Makes and freezes tokens; has no part in the escrow. */
  readonly bank = this.vm.wallet();
  readonly mint = this.vm.mint(this.bank);
  readonly treasury = this.vm.tokenAccount(this.bank, this.mint, this.bank.publicKey);

  protected constructor({ program, upgrader, account, content }: Built) {
    this.program = program;
    this.upgrader = this.vm.wallet(upgrader);
    this.vm.forge(programDataAddress(program), content, UPGRADEABLE_LOADER);
    this.vm.forge(program, account, UPGRADEABLE_LOADER, true);
  }

  static async make(): Promise<Deployed> {
    built ??= build();
    return new Deployed(await built);
  }

  initialize(given: Partial<Parameters<typeof initialize>[1]> = {}): TransactionInstruction {
    return initialize(this.program, {
      payer: this.upgrader.publicKey,
      upgradeAuthority: this.upgrader.publicKey,
      programData: programDataAddress(this.program),
      admin: this.admin.publicKey,
      authority: this.authority.publicKey,
      treasury: this.treasury,
      mint: this.mint,
      feeBps: FEE_BPS,
      ...given,
    });
  }

  get config(): EscrowConfig {
    return parseConfig(this.vm.data(configAddress(this.program))!);
  }

  ata(wallet: Keypair, mint = this.mint): PublicKey {
    return associatedTokenAddress(wallet.publicKey, mint);
  }

  /** Gives the wallet its usual token account with so much in it. */
  fund(wallet: Keypair, amount: bigint, mint = this.mint): void {
    this.vm.mustRun([ensureTokenAccount(this.bank.publicKey, wallet.publicKey, mint)], this.bank);
    if (amount > 0n) this.vm.mintTo(mint, this.bank, this.ata(wallet, mint), amount);
  }
}

export class Scene extends Deployed {
  static override async make(feeBps = FEE_BPS): Promise<Scene> {
    built ??= build();
    const scene = new Scene(await built);
    scene.vm.mustRun([scene.initialize({ feeBps })], scene.upgrader);
    scene.fund(scene.user, PURSE);
    for (const wallet of [scene.node, scene.otherNode, scene.stranger]) scene.fund(wallet, 0n);
    return scene;
  }

  get deadline(): bigint {
    return this.vm.now + HOUR;
  }

  create(given: Partial<Parameters<typeof createEscrow>[1]> = {}): TransactionInstruction {
    return createEscrow(this.program, {
      job: newJob(),
      amount: 1000n,
      deadline: this.deadline,
      user: this.user.publicKey,
      mint: this.mint,
      ...given,
    });
  }

  /** A job of `amount`, locked by the user. */
  lock(amount = 1000n, job = newJob()): JobId {
    this.vm.mustRun([this.create({ job, amount })], this.user);
    return job;
  }

  /** Locked, and assigned to the node. */
  running(amount = 1000n): JobId {
    const job = this.lock(amount);
    this.vm.mustRun([this.assign(job)], this.authority);
    return job;
  }

  escrow(job: JobId): Escrow {
    return parseEscrow(this.vm.data(escrowAddress(this.program, job))!);
  }

  isClosed(job: JobId): boolean {
    const places = [escrowAddress(this.program, job), vaultAddress(this.program, job)];
    return places.every((place) => this.vm.data(place) === null);
  }

  vault(job: JobId): PublicKey {
    return vaultAddress(this.program, job);
  }

  assign(job: JobId, given: Partial<Parameters<typeof assign>[2]> = {}, believed = this.escrow(job)) {
    const usual = { authority: this.authority.publicKey, attempt: 1n, node: this.node.publicKey };
    return assign(this.program, believed, { ...usual, ...given });
  }

  claim(job: JobId, given: Partial<Parameters<typeof claim>[2]> = {}, believed = this.escrow(job)) {
    const usual = { authority: this.authority.publicKey, node: this.node.publicKey, amount: 100n };
    return claim(this.program, believed, { ...usual, ...given });
  }

  release(job: JobId, given: Partial<Parameters<typeof releasePayment>[2]> = {}, believed = this.escrow(job)) {
    const usual = { authority: this.authority.publicKey, node: this.node.publicKey };
    return releasePayment(this.program, believed, { ...usual, ...given });
  }

  refund(job: JobId, given: Partial<Parameters<typeof refund>[2]> = {}, believed = this.escrow(job)) {
    return refund(this.program, believed, { signer: this.authority.publicKey, ...given });
  }

  balances() {
    const of = (account: PublicKey): bigint => this.vm.tokens(account) ?? 0n;
    return {
      user: of(this.ata(this.user)),
      node: of(this.ata(this.node)),
      otherNode: of(this.ata(this.otherNode)),
      treasury: of(this.treasury),
    };
  }
}

/** Sets one account of an instruction to another address, its flags unchanged. */
export function withAccount(given: TransactionInstruction, index: number, address: PublicKey): TransactionInstruction {
  given.keys[index] = { ...given.keys[index]!, pubkey: address };
  return given;
}

/** Takes a flag from one account of an instruction. */
export function without(given: TransactionInstruction, index: number, flag: "isSigner" | "isWritable") {
  given.keys[index] = { ...given.keys[index]!, [flag]: false };
  return given;
}

export function expectAccepted(outcome: Outcome): number {
  if (!outcome.ok) throw new Error(`refused with ${nameOf(outcome)}: ${outcome.text}`);
  return outcome.units;
}

/** By JobEscrow, with exactly this error. */
export function expectRefused(outcome: Outcome, name: EscrowErrorName): void {
  expect(outcome.ok ? "accepted" : nameOf(outcome)).toBe(name);
}

const nameOf = (outcome: Outcome & { ok: false }): string =>
  (outcome.code === null ? null : escrowErrorOf(outcome.code)?.name) ?? outcome.text;
