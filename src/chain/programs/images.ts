/** The bytes of our on-chain programs, which travel inside the server's own program. */
import { readFile } from "node:fs/promises";
import jobEscrow from "../../../programs/job-escrow/job_escrow.so" with { type: "file" };

/** JobEscrow as it is deployed: `bun scripts/programs/build.ts` makes it. */
export const jobEscrowImage = (): Promise<Uint8Array> => readFile(jobEscrow);
