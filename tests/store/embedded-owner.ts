/** A process that owns an embedded database and writes rows for ever, telling each one that was acknowledged. */
import pg from "pg";
import { startEmbeddedPostgres } from "../../src/store/embedded/index.ts";
import { quietLog } from "../support/quiet.ts";

const server = await startEmbeddedPostgres({ dataDir: process.argv[2] ?? "", log: quietLog });
const client = new pg.Client({ connectionString: server.url });
client.on("error", () => {});
await client.connect();
await client.query("create table if not exists rows (n bigint)");
const { rows } = await client.query<{ found: number }>("select coalesce(max(n), 0)::int as found from rows");
console.log(`ready ${server.pid}`);
for (let n = (rows[0]?.found ?? 0) + 1; ; n++) {
  await client.query("insert into rows values ($1)", [n]);
  console.log(`acknowledged ${n}`);
}
