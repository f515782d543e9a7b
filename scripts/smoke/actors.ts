/** Who runs the program: whoever runs this script, and, where that is root, an ordinary user as well. */
import { readFileSync } from "node:fs";

export interface Actor {
  readonly name: string;
  /** Absent: whoever runs this script. */
  readonly uid?: number;
  readonly gid?: number;
}

export function actors(): readonly Actor[] {
  if (process.getuid?.() !== 0) return [{ name: "this user" }];
  const ordinary = findUser("nobody");
  return [{ name: "root" }, ...(ordinary === null ? [] : [ordinary])];
}

function findUser(wanted: string): Actor | null {
  for (const line of readFileSync("/etc/passwd", "utf8").split("\n")) {
    const [name, , uid, gid] = line.split(":");
    if (name === wanted) return { name, uid: Number(uid), gid: Number(gid) };
  }
  return null;
}
