/** Backup and restore: a file with everything the database holds at one moment, and a database made of it. */
export { dataTables, type Header, type Trailer } from "./format.ts";
export { type Configured, withDatabase, withDatabaseAlone } from "./place.ts";
export { type Entry, readBackup, verifyBackup } from "./read.ts";
export { type Restored, type RestoreOptions, restoreBackup } from "./restore.ts";
export { type WriteOptions, type Written, writeBackup } from "./write.ts";
