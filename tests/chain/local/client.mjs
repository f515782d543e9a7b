// A program of somebody else's: stock @solana/web3.js under Node, over HTTP and WebSocket. Prints what it saw as JSON.
// Usage: node client.mjs <url>
import {
  AddressLookupTableProgram,
  Connection,
  Keypair,
  SystemProgram,
  sendAndConfirmTransaction,
  Transaction,
  TransactionMessage,
  VersionedTransaction,
} from "@solana/web3.js";

const connection = new Connection(process.argv[2], "confirmed");
const payer = Keypair.generate();
const to = Keypair.generate().publicKey;
const seen = {};

const confirm = async (signature, commitment) => {
  const latest = await connection.getLatestBlockhash();
  return (await connection.confirmTransaction({ signature, ...latest }, commitment)).value.err;
};
const transfer = (lamports) => SystemProgram.transfer({ fromPubkey: payer.publicKey, toPubkey: to, lamports });

seen.airdrop = await confirm(await connection.requestAirdrop(payer.publicKey, 5e9), "confirmed");
seen.balance = await connection.getBalance(payer.publicKey);

const heard = { account: [], logs: [] };
const subscriptions = [
  connection.onAccountChange(to, (account) => heard.account.push(account.lamports), "confirmed"),
  connection.onLogs(to, ({ signature }) => heard.logs.push(signature), "confirmed"),
];
await new Promise((resolve) => setTimeout(resolve, 300));

const legacy = await sendAndConfirmTransaction(connection, new Transaction().add(transfer(1e9)), [payer]);
seen.finalized = await confirm(legacy, "finalized");
seen.fee = (await connection.getTransaction(legacy, { maxSupportedTransactionVersion: 0 })).meta.fee;
seen.parsed = (
  await connection.getParsedTransaction(legacy, { maxSupportedTransactionVersion: 0 })
).transaction.message.accountKeys.length;
seen.heard = { account: heard.account, logs: heard.logs.map((one) => one === legacy) };
for (const [index, id] of subscriptions.entries()) {
  await (index === 0 ? connection.removeAccountChangeListener(id) : connection.removeOnLogsListener(id));
}

try {
  await sendAndConfirmTransaction(connection, new Transaction().add(transfer(1e15)), [payer]);
} catch (error) {
  seen.preflight = [error.constructor.name, error.message.includes("custom program error: 0x1"), error.logs.length];
}
try {
  await sendAndConfirmTransaction(connection, new Transaction().add(transfer(1e15)), [payer], { skipPreflight: true });
} catch (error) {
  // web3.js throws the bare error when its own question was quicker than the notification.
  seen.onChain = `${error.message ?? JSON.stringify(error)}`.includes('"InstructionError":[0,{"Custom":1}]');
}

const [create, table] = AddressLookupTableProgram.createLookupTable({
  authority: payer.publicKey,
  payer: payer.publicKey,
  recentSlot: await connection.getSlot("confirmed"),
});
const extend = AddressLookupTableProgram.extendLookupTable({
  lookupTable: table,
  authority: payer.publicKey,
  payer: payer.publicKey,
  addresses: [to],
});
await sendAndConfirmTransaction(connection, new Transaction().add(create, extend), [payer]);
const { value: lookup } = await connection.getAddressLookupTable(table);
const { blockhash } = await connection.getLatestBlockhash();
const message = new TransactionMessage({
  payerKey: payer.publicKey,
  recentBlockhash: blockhash,
  instructions: [transfer(7)],
});
const versioned = new VersionedTransaction(message.compileToV0Message([lookup]));
versioned.sign([payer]);
const signature = await connection.sendTransaction(versioned);
seen.versioned = await confirm(signature, "confirmed");
const record = await connection.getTransaction(signature, { maxSupportedTransactionVersion: 0 });
seen.loaded = record.version === 0 && record.meta.loadedAddresses.writable[0].equals(to);
try {
  await connection.getTransaction(signature);
} catch (error) {
  seen.version = error.code;
}
seen.to = await connection.getBalance(to);
console.log(JSON.stringify(seen));
process.exit(0);
