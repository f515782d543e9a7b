import { expect, test } from "bun:test";
import { tracesIn } from "../../scripts/check-traces.ts";

const root = "/build/ada/cyxwiz";
// Put together here, so that this file does not hold what it tests for.
const address = `https://${"registry"}.example.org/pkg`;

test.each([
  ["docs/a.md", `see ${address}`, "the address of a package registry"],
  ["bun.lock", `"pkg": ["pkg@1", "${"https"}://x.example/pkg-1.tgz", {}]`, "a tarball's address in a lock file"],
  ["tools/package-lock.json", `  "${"resolved"}": "x"`, "a tarball's address in a lock file"],
  ["a.ts", `const x = "${root}/src";`, "a path of this machine"],
  ["a.ts", "cd /build/ada/other", "a path of this machine"],
  ["key.pem", `-----BEGIN ${"PRIVATE"} KEY-----`, "a private key"],
  ["id.json", `[${Array.from({ length: 64 }, (_, i) => i).join(",")}]`, "what looks like a Solana key pair"],
])("%s with %j is named", (file, text, what) => {
  expect(tracesIn(file, `first line\n${text}\n`, root)).toEqual([{ file, line: 2, what }]);
});

test.each([
  ["a.md", "https://example.org/build/adam and /other/build/ada/x"],
  ["bun.lock", '"pkg": ["pkg@1", "", {}, "sha512-abc"]'],
  ["a.ts", "const address = 'https://docs.example.org'; // the registry of actors"],
  ["a.json", `[${Array.from({ length: 63 }, (_, i) => i).join(",")}]`],
])("%s with %j is fine", (file, text) => expect(tracesIn(file, text, root)).toEqual([]));

test("a parent folder that many machines have says nothing", () => {
  expect(tracesIn("a.ts", "/tmp/x and /home/bob", "/tmp/clone")).toEqual([]);
  expect(tracesIn("a.ts", "/tmp/clone/x", "/tmp/clone")).toHaveLength(1);
});
