import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import pg from "pg";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../../src/store/embedded/index.ts";
import { quietLog } from "../support/quiet.ts";
import { administer, temporaryDirectory, until } from "../support/servers.ts";

setDefaultTimeout(60_000);
const root = process.getuid?.() === 0;

/** Open to all: PostgreSQL's user may enter, so that the database stays inside and goes away with the directory. */
function openDirectory(name: string): string {
  const directory = temporaryDirectory(name);
  chmodSync(directory, 0o755);
  used.push(directory);
  return directory;
}
const used: string[] = [];
// Each holds 40 MB: not left to the end of the process, whose clean-up has five seconds.
afterEach(() => {
  for (const directory of used.splice(0)) rmSync(directory, { recursive: true, force: true });
});

const start = (dataDir: string) => startEmbeddedPostgres({ dataDir, log: quietLog });
const uidOf = (pid: number | undefined) => statSync(`/proc/${pid}`).uid;

async function count(server: EmbeddedPostgres): Promise<number> {
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  try {
    const { rows } = await client.query<{ count: number }>("select count(*)::int as count from rows");
    return rows[0]!.count;
  } finally {
    await client.end();
  }
}

/** Starts an owner, waits for some acknowledged rows, kills what `victims` names, and tells how many were acknowledged. */
async function killInMidWrite(dataDir: string, victims: readonly ("server" | "postgres")[]): Promise<number> {
  const owner = Bun.spawn([process.execPath, join(import.meta.dir, "embedded-owner.ts"), dataDir], { stdout: "pipe" });
  let text = "";
  let killAfter = Number.POSITIVE_INFINITY;
  let killed = false;
  for await (const chunk of owner.stdout.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (killAfter === Number.POSITIVE_INFINITY && text.includes("acknowledged"))
      killAfter = text.length + 400 + Math.random() * 2_000;
    if (text.length < killAfter || killed) continue;
    killed = true;
    if (victims.includes("postgres")) process.kill(Number(/ready (\d+)/.exec(text)![1]), "SIGKILL");
    owner.kill(victims.includes("server") ? "SIGKILL" : "SIGTERM");
  }
  await owner.exited;
  return Number(text.slice(0, text.lastIndexOf("\n")).match(/acknowledged (\d+)$/)![1]);
}

describe("the embedded PostgreSQL", () => {
  test.each([
    ["the server", ["server"]],
    ["PostgreSQL and the server", ["postgres", "server"]],
  ] as const)("has every acknowledged row after %s was killed in mid-write, round after round", async (_, victims) => {
    const dataDir = openDirectory("killed");
    for (let round = 0; round < 3; round++) {
      const acknowledged = await killInMidWrite(dataDir, victims);
      const server = await start(dataDir);
      const found = await count(server);
      await server.stop();
      expect(found).toBeGreaterThanOrEqual(acknowledged);
    }
  });

  test("is started again when it is killed under a living server", async () => {
    const server = await start(openDirectory("revived"));
    const first = server.pid!;
    process.kill(first, "SIGKILL");
    const answers = () =>
      administer(server.url, "select 1").then(
        () => true,
        () => false,
      );
    await until("another PostgreSQL to answer", async () => server.pid !== first && (await answers()), 30_000);
    await server.stop();
  });

  test("refuses a data directory that another server uses, and says so", async () => {
    const dataDir = openDirectory("shared");
    const server = await start(dataDir);
    await expect(start(dataDir)).rejects.toMatchObject({
      code: "data_dir_in_use",
      message: expect.stringContaining(dataDir),
    });
    await server.stop();
    await (await start(dataDir)).stop();
  });

  test("starts although the process id of its predecessor now belongs to somebody else", async () => {
    const dataDir = openDirectory("reused");
    const before = await start(dataDir);
    const uid = uidOf(before.pid);
    await before.stop();
    // PostgreSQL takes a stranger for its rival only if it may signal it: one of its own user.
    const program = root ? ["setpriv", `--reuid=${uid}`, "--clear-groups", "sleep", "100"] : ["sleep", "100"];
    const stranger = Bun.spawn(program);
    const cluster = join(dataDir, "postgres");
    const sockets = join(dataDir, "postgres-sockets");
    const lock = `${stranger.pid}\n${cluster}\n1700000000\n5432\n${sockets}\n`;
    await until("the stranger to have changed its user", () => uidOf(stranger.pid) === uid);
    writeFileSync(join(cluster, "postmaster.pid"), lock);
    writeFileSync(join(sockets, ".s.PGSQL.5432.lock"), lock);
    try {
      await (await start(dataDir)).stop();
    } finally {
      stranger.kill();
    }
  });

  test("works below a path too long for a unix socket", async () => {
    const dataDir = join(openDirectory("long"), "d".repeat(120));
    const server = await start(dataDir);
    await administer(server.url, "select 1");
    await server.stop();
    const sockets = new URL(server.url).searchParams.get("host") ?? "";
    expect(dirname(sockets)).toBe(tmpdir());
    rmSync(sockets, { recursive: true });
  });

  test("removes what a first start that was killed left, and refuses another major version", async () => {
    const dataDir = openDirectory("leftover");
    mkdirSync(join(dataDir, "postgres.init-1"));
    await (await start(dataDir)).stop();
    expect(existsSync(join(dataDir, "postgres.init-1"))).toBe(false);
    writeFileSync(join(dataDir, "postgres", "PG_VERSION"), "12\n");
    await expect(start(dataDir)).rejects.toThrow(/PostgreSQL 12.*17/);
  });

  test.if(root)("runs as another user than root", async () => {
    const server = await start(openDirectory("user"));
    expect(uidOf(server.pid)).toBeGreaterThan(0);
    await server.stop();
  });

  test.if(root)(
    "keeps the database elsewhere when its user cannot enter the data directory, and finds it again",
    async () => {
      const closed = temporaryDirectory("closed");
      chmodSync(closed, 0o700);
      const dataDir = join(closed, "data");
      const server = await start(dataDir);
      await administer(server.url, "create table rows (n bigint); insert into rows values (1)");
      await server.stop();
      const elsewhere = readFileSync(join(dataDir, "postgres.location"), "utf8").trim();
      try {
        const again = await start(dataDir);
        expect(await count(again)).toBe(1);
        await again.stop();

        // Whoever deletes the data directory wants to start afresh; the old data is set aside, not thrown away.
        rmSync(dataDir, { recursive: true });
        const fresh = await start(dataDir);
        expect(await count(fresh).catch(() => "no such table")).toBe("no such table");
        await fresh.stop();
      } finally {
        for (const name of readdirSync(dirname(elsewhere))) {
          if (name.startsWith(basename(elsewhere)))
            rmSync(join(dirname(elsewhere), name), { recursive: true, force: true });
        }
      }
    },
  );
});
