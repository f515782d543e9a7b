import { UNITS_PER_TOKEN } from "../../domain/money.ts";
import { restAddress, restOption, serverOption } from "../client/address.ts";
import { getJson } from "../client/rest.ts";
import type { Command } from "../command.ts";
import { UsageError } from "../errors.ts";
import { Exit } from "../exit-codes.ts";
import { safeJson } from "../text/safe.ts";
import { tokensText } from "../text/units.ts";
import { WalletCluster } from "../wallet/cluster.ts";
import { hasWallet, makeWallet, readWallet, walletFile, walletOption } from "../wallet/key-file.ts";

/** Play money: fees for a lifetime, and a sample job costs a hundredth of a token. */
const GIFT = { lamports: 1_000_000_000n, tokens: 1000n * UNITS_PER_TOKEN };

export const command: Command = {
  usage: "[options]",
  about:
    "Shows the wallet that pays for jobs: its address, what it holds, and what the server may take from it. Makes its key file if there is none.\n" +
    "Jobs are paid for where the server runs with blockchain.paid_jobs=with_wallet; `cyxwiz submit --pay` sends one. So far that is the local chain, whose money is play money.",
  options: [
    walletOption,
    { name: "fund", doc: "on the local chain: have 1000 tokens and a SOL given to it" },
    {
      name: "allow",
      value: "TOKENS",
      doc: "let the server take so many tokens for jobs, in place of what it might before",
    },
    restOption,
    serverOption,
  ],
  operands: [],
  examples: [
    ["wallet --fund --allow=100", "a wallet that can pay for jobs"],
    ["wallet --json", "what it holds, for a script"],
  ],
  json: true,
  readsConfig: true,
  async run(invocation) {
    const { world, json, value, has } = invocation;
    const allowance = value("allow") === undefined ? null : unitsOf(value("allow") ?? "");
    const facts = await getJson(
      restAddress(value("rest"), value("server"), invocation.load().config),
      "/api/v1/blockchain",
    );
    const file = walletFile(world, value("wallet"));
    const isNew = !hasWallet(file);
    const wallet = isNew ? makeWallet(file) : readWallet(file);
    if (isNew) world.stderr.write(`Made a wallet: ${file}. Whoever has this file has its money.\n`);
    const cluster = new WalletCluster(facts, wallet);
    if (has("fund")) await cluster.fund(GIFT.lamports, GIFT.tokens);
    if (allowance !== null) await cluster.allow(allowance);
    const { lamports, tokens, allowed } = await cluster.holdings();
    const address = wallet.publicKey.toBase58();
    if (json) {
      const amounts = { lamports: `${lamports}`, tokens: `${tokens}`, allowed: `${allowed}` };
      world.stdout.write(`${safeJson({ address, file, ...amounts })}\n`);
    } else {
      world.stdout.write(
        `address  ${address}\ntokens   ${tokensText(`${tokens}`)}\nallowed  ${tokensText(`${allowed}`)}\nSOL      ${tokensText(`${lamports}`)}\nfile     ${file}\n`,
      );
    }
    return Exit.ok;
  },
};

const DIGITS = 9;

/** @throws UsageError for anything but an amount of tokens */
function unitsOf(text: string): bigint {
  const [, whole = "", fraction = ""] = /^(\d{1,9})(?:\.(\d{1,9}))?$/.exec(text) ?? [];
  if (whole === "") throw new UsageError(`--allow: ${JSON.stringify(text)} is no amount of tokens, such as 100 or 0.5`);
  return BigInt(whole) * UNITS_PER_TOKEN + BigInt(fraction.padEnd(DIGITS, "0"));
}
