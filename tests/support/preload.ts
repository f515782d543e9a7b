/** Loaded before every test file (bunfig.toml): `bun test` ends without the process's "exit" event. */
import { afterAll } from "bun:test";
import { runCleanup } from "./cleanup.ts";

afterAll(runCleanup);
