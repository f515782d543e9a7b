/** Prints the digest of the program that travels inside; embedded.test.ts runs it from source and compiled. */
import { createHash } from "node:crypto";
import { jobEscrowImage } from "../../../src/chain/programs/index.ts";

console.log(
  createHash("sha256")
    .update(await jobEscrowImage())
    .digest("hex"),
);
