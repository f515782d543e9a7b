import { afterAll, describe, expect, test } from "bun:test";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Keypair, TransactionInstruction } from "@solana/web3.js";
import { compile, compilerVersion, programs } from "../../../scripts/programs/compile.ts";
import { link } from "../../../scripts/programs/link.ts";
import { murmur3 } from "../../../scripts/programs/syscalls.ts";
import { deployProgram } from "../../../src/chain/programs/index.ts";
import { temporaryDirectory } from "../../support/servers.ts";
import { Vm } from "../escrow/vm.ts";

const sources = join(import.meta.dir, "../../../programs");
const place = temporaryDirectory("programs");
afterAll(() => rmSync(place, { recursive: true, force: true }));

const noCompiler = compilerVersion() === null;

/** Compiles and links C text that may include "abi.h". */
function build(text: string): Buffer {
  cpSync(join(sources, "solana"), place, { recursive: true });
  writeFileSync(join(place, "made_up.c"), text);
  return compile(place, { source: "made_up.c", built: "made_up.so" });
}

describe("the hash of a syscall's name", () => {
  // From the runtime: solana-sbpf's registry prints these for its syscalls.
  test.each([
    ["abort", 0xb6fc1a11],
    ["sol_log_", 0x207559bd],
    ["sol_panic_", 0x686093bb],
    ["sol_memcpy_", 0x717cc4a3],
    ["sol_invoke_signed_c", 0xa22b9c85],
  ])("of %s is the runtime's", (name, hash) => {
    expect(murmur3(Buffer.from(name))).toBe(hash);
  });
});

describe.skipIf(noCompiler)("the build", () => {
  test.each([...programs])("of $source gives the committed bytes, from another directory too", (program) => {
    const committed = readFileSync(join(sources, program.built));
    expect(compile(sources, program).equals(committed)).toBe(true);
    const elsewhere = join(place, "a copy");
    mkdirSync(elsewhere, { recursive: true });
    cpSync(sources, elsewhere, { recursive: true });
    expect(compile(elsewhere, program).equals(committed)).toBe(true);
  });

  test("sees a change of the source", () => {
    const elsewhere = join(place, "changed");
    cpSync(sources, elsewhere, { recursive: true });
    const [program] = programs;
    const source = join(elsewhere, program!.source);
    writeFileSync(
      source,
      readFileSync(source, "utf8").replace("#define LONGEST_TERM (366L", "#define LONGEST_TERM (365L"),
    );
    expect(compile(elsewhere, program!).equals(readFileSync(join(sources, program!.built)))).toBe(false);
  });
});

describe.skipIf(noCompiler)("the linker", () => {
  test("resolves calls across sections, constants, and addresses within constants", async () => {
    const image = build(`
      #include "abi.h"
      static const u64 first[2] = {3, 5};
      __attribute__((section(".rodata.far"))) static const u64 second[2] = {7, 11};
      const u64 *const tables[2] = {first, second};
      __attribute__((noinline, section(".text.far"))) u64 at(const u64 *const *from, u64 table, u64 index) {
        return from[table][index];
      }
      static __attribute__((noinline, section(".text.far"))) u64 plus(u64 value) { return 7000 + value; }
      u64 entrypoint(u8 *buffer) {
        Input input;
        if (!read_input(buffer, &input)) return 1;
        return plus(at(tables, input.data[0] & 1, input.data[1] & 1));
      }`);
    const vm = new Vm();
    const payer = vm.wallet();
    const program = Keypair.generate();
    const keys = { program, buffer: Keypair.generate(), payer };
    await deployProgram(vm.cluster(), { image, ...keys }, { pause: async () => {} });
    const answers = [0, 1, 256, 257].map((word) => {
      const data = Buffer.from([word & 1, word >> 8]);
      const outcome = vm.run([new TransactionInstruction({ programId: program.publicKey, keys: [], data })], payer);
      return outcome.ok ? null : outcome.code;
    });
    expect(answers).toEqual([7003, 7007, 7005, 7011]);
  });

  const start = "u64 entrypoint(unsigned char *in)";
  test.each([
    [
      "a function that is nowhere",
      `u64 missing(void); ${start} { return missing() + in[0]; }`,
      "missing is defined nowhere",
    ],
    ["data that is nowhere", `extern const u64 gone; ${start} { return gone + in[0]; }`, "gone is used as data"],
    ["a global variable", `static u64 count; ${start} { return count += in[0]; }`, "is writable"],
    ["a source without entrypoint", "u64 other(void) { return 0; }", "no function entrypoint"],
    ["an atomic addition", `${start} { __sync_fetch_and_add((u64 *)in, 1); return 0; }`, "atomic instruction"],
  ])("refuses %s", (_what, text, message) => {
    expect(() => build(`typedef unsigned long u64;\n${text}`)).toThrow(message);
  });

  test("passes the compiler's own words on", () => {
    expect(() => build("nonsense")).toThrow(/refused programs\/made_up\.c[\s\S]*error:/);
  });
});

test("the linker refuses what is no object of clang's", () => {
  expect(() => link(Buffer.from("not an object"))).toThrow("not a little-endian ELF64 file");
  expect(() => link(readFileSync(join(sources, programs[0]!.built)))).toThrow("not a relocatable BPF object");
});
