import { readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { StoreError } from "../errors.ts";

/** The user PostgreSQL runs as; undefined for our own. */
export interface RunAs {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** PostgreSQL refuses to run as root, and initdb refuses a user without a name: pick one that every system has. */
export function chooseUser(
  passwd: string = readPasswd(),
  ownUid: number | undefined = process.getuid?.(),
): RunAs | undefined {
  if (ownUid !== 0) return undefined;
  for (const name of ["postgres", "nobody"]) {
    const [, , uid, gid] =
      passwd
        .split("\n")
        .map((line) => line.split(":"))
        .find(([user]) => user === name) ?? [];
    if (uid !== undefined && gid !== undefined && Number(uid) !== 0)
      return { name, uid: Number(uid), gid: Number(gid) };
  }
  throw new StoreError(
    "embedded_failed",
    "PostgreSQL refuses to run as root, and this system has neither a user postgres nor a user nobody to run it as. " +
      "Start the server as another user, or set database.url.",
  );
}

function readPasswd(): string {
  try {
    return readFileSync("/etc/passwd", "utf8");
  } catch {
    return "";
  }
}

/** Whether `user` may pass through `directory` and everything above it. Looks at mode bits; access lists can only widen them. */
export function canReach(user: RunAs, directory: string): boolean {
  for (let path = directory; ; path = dirname(path)) {
    const { mode, uid, gid } = statSync(path);
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
    if (path === dirname(path)) return true;
  }
}
