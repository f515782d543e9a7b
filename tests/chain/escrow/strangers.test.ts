import { expect, test } from "bun:test";
import { seeded } from "../../support/seeded.ts";
import { Scene } from "./scene.ts";

test("no call that a stranger makes up at random is accepted", async () => {
  const scene = await Scene.make();
  const job = scene.running();
  const random = seeded(7);
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)]!;
  const requests = [scene.assign(job), scene.claim(job), scene.release(job), scene.refund(job), scene.create()];
  const pool = requests.flatMap(({ keys }) => keys.map(({ pubkey }) => pubkey));
  const before = scene.balances();
  for (let call = 0; call < 500; call++) {
    const instruction = pick(requests);
    const keys = instruction.keys.map((key) => ({
      pubkey:
        random() < 0.2
          ? pick(pool)
          : key.pubkey.equals(scene.authority.publicKey)
            ? scene.stranger.publicKey
            : key.pubkey,
      isWritable: key.isWritable,
      isSigner: false,
    }));
    for (const key of keys) key.isSigner = key.pubkey.equals(scene.stranger.publicKey);
    const data = Buffer.from(instruction.data);
    if (random() < 0.5) data[Math.floor(random() * data.length)] = Math.floor(random() * 256);
    const outcome = scene.vm.run([Object.assign(instruction, { keys, data })], scene.stranger);
    expect(outcome.ok).toBe(false);
  }
  expect(scene.balances()).toEqual(before);
  expect(scene.vm.tokens(scene.vault(job))).toBe(1000n);
}, 60_000);
