/** The runtime's functions as a program calls them: by the hash of their name (SIMD-0178, static syscalls). */

/** clang calls these for copies and fills of structures; the runtime has the same functions under names of its own. */
const inPlaceOf: Readonly<Record<string, string>> = {
  memcpy: "sol_memcpy_",
  memmove: "sol_memmove_",
  memset: "sol_memset_",
};

/** What our programs may call. A name outside would link and then be refused at deployment; better it is refused here. */
const known: ReadonlySet<string> = new Set([
  ...Object.values(inPlaceOf),
  "sol_create_program_address",
  "sol_get_clock_sysvar",
  "sol_get_rent_sysvar",
  "sol_invoke_signed_c",
  "sol_log_",
  "sol_log_64_",
  "sol_log_pubkey",
  "sol_set_return_data",
  "sol_try_find_program_address",
]);

/** @throws Error for a function that is neither the program's own nor a known syscall */
export function syscallHash(name: string): number {
  const actual = inPlaceOf[name] ?? name;
  if (!known.has(actual)) {
    throw new Error(`${name} is defined nowhere: define it, or add the syscall to scripts/programs/syscalls.ts`);
  }
  return murmur3(Buffer.from(actual, "latin1"));
}

/** MurmurHash3, 32 bits, seed 0 (Austin Appleby, public domain reference: smhasher/MurmurHash3.cpp). */
export function murmur3(bytes: Buffer): number {
  const rotate = (value: number, by: number): number => (value << by) | (value >>> (32 - by));
  const scramble = (block: number): number => Math.imul(rotate(Math.imul(block, 0xcc9e2d51), 15), 0x1b873593);
  const whole = bytes.length - (bytes.length % 4);
  let hash = 0;
  for (let at = 0; at < whole; at += 4) {
    hash = (Math.imul(rotate(hash ^ scramble(bytes.readInt32LE(at)), 13), 5) + 0xe6546b64) | 0;
  }
  if (whole < bytes.length) hash ^= scramble(bytes.readUIntLE(whole, bytes.length - whole));
  hash ^= bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
