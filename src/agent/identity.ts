/** Who a node is: an id and an ed25519 key, kept in its data directory and the same after every restart. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomUUID, sign } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { parseNodeId } from "../domain/ids.ts";

interface Stored {
  readonly node_id: string;
  /** PKCS#8 PEM. */
  readonly private_key: string;
}

export class NodeIdentity {
  private constructor(
    private readonly file: string,
    private stored: Stored,
    private readonly key: KeyObject,
  ) {}

  /** Reads the identity of `dataDir`, or makes one. @throws when the file is there and cannot be read */
  static load(dataDir: string): NodeIdentity {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    const file = join(dataDir, "identity.json");
    if (existsSync(file)) {
      try {
        const stored = JSON.parse(readFileSync(file, "utf8")) as Stored;
        if (parseNodeId(stored.node_id) === null) throw new Error("node_id is not a UUID");
        return new NodeIdentity(file, stored, createPrivateKey(stored.private_key));
      } catch (error) {
        throw new Error(`${file} is damaged; restore it, or delete it to become a new node`, { cause: error });
      }
    }
    const { privateKey } = generateKeyPairSync("ed25519");
    const stored = {
      node_id: randomUUID(),
      private_key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    };
    writeDurably(file, JSON.stringify(stored, null, 2));
    return new NodeIdentity(file, stored, privateKey);
  }

  get nodeId(): string {
    return this.stored.node_id;
  }

  /** The raw 32 bytes. */
  get publicKey(): Uint8Array {
    return createPublicKey(this.key).export({ type: "spki", format: "der" }).subarray(-32);
  }

  sign(statement: string): Uint8Array {
    return sign(null, Buffer.from(statement), this.key);
  }

  /** The server knows this node by another id. */
  adopt(nodeId: string): void {
    if (nodeId === this.stored.node_id) return;
    this.stored = { ...this.stored, node_id: nodeId };
    writeDurably(this.file, JSON.stringify(this.stored, null, 2));
  }
}

/** Whole or not at all, and on the disk when it returns. */
export function writeDurably(file: string, text: string): void {
  const fresh = `${file}.${process.pid}.new`;
  const handle = openSync(fresh, "w", 0o600);
  try {
    writeFileSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(fresh, file);
  // Makes the rename itself durable. Windows cannot open a directory, and does not need it.
  if (process.platform === "win32") return;
  const directory = openSync(dirname(file), "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
