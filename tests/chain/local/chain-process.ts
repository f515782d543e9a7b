/**
 * A local chain in a process of its own, in real time. Prints one line of JSON when it can be used.
 * Usage: bun chain-process.ts <directory> [full|normal]
 */
import { openLocalChain } from "../../../src/chain/local/index.ts";

const [directory = null, sync] = process.argv.slice(2);
const opened = openLocalChain({ directory, now: Date.now, sync: sync === "full" ? "full" : "normal" });
const rpc = opened.serve({ host: "127.0.0.1", port: 0 });
console.log(JSON.stringify({ url: rpc.url, wsUrl: rpc.wsUrl, mint: opened.mint.toBase58() }));

process.on("SIGTERM", () => {
  void rpc.stop().then(() => {
    opened.close();
    process.exit(0);
  });
});
