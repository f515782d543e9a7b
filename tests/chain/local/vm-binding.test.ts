import { expect, test } from "bun:test";
import { loadBinding } from "../../../src/chain/local/vm-binding.ts";

test("a platform without a virtual machine is told what to do instead", () => {
  expect(() => loadBinding("win32-x64")).toThrow(
    /runs on linux-x64.*this is win32-x64.*blockchain\.network to "devnet"/,
  );
});

test("this platform has one", () => {
  expect(new (loadBinding().LiteSvm)().minimumBalanceForRentExemption(165n)).toBe(2_039_280n);
});
