/** The share of submissions that is read, against a server that can take so many and no more. */
import { expect, test } from "bun:test";
import { Shedding } from "../../../../src/transport/grpc/gate/shedding.ts";

/** Ticks of ten milliseconds. */
const TICKS = 100;

class Server {
  #now = 1_000_000;
  readonly shedding = new Shedding(() => this.#now);
  accepted = 0;
  read = 0;

  /** Offers so many a second for so many seconds, of which the server can take `capacity`. */
  run(seconds: number, offered: number, capacity: number): { readonly accepted: number; readonly read: number } {
    const before = { accepted: this.accepted, read: this.read };
    let room = 0;
    for (let tick = 0; tick < seconds * TICKS; tick++) {
      this.#now += 1000 / TICKS;
      room = Math.min(room + capacity / TICKS, capacity / TICKS + 1);
      for (let index = 0; index < offered / TICKS; index++) {
        if (this.shedding.active && !this.shedding.admits()) continue;
        this.shedding.noteRead();
        this.read += 1;
        if (room >= 1) {
          room -= 1;
          this.accepted += 1;
        } else this.shedding.noteRefused();
      }
    }
    return { accepted: this.accepted - before.accepted, read: this.read - before.read };
  }

  pass(ms: number): void {
    this.#now += ms;
  }
}

test("while nothing is refused, everything is read", () => {
  const server = new Server();
  expect(server.run(5, 1000, 2000)).toEqual({ accepted: 5000, read: 5000 });
  expect(server.shedding.active).toBe(false);
});

test("at twice the load about as much is accepted as without, and hardly more is read", () => {
  const server = new Server();
  server.run(2, 2000, 1000);
  const { accepted, read } = server.run(10, 2000, 1000);
  expect(accepted).toBeGreaterThan(9500);
  expect(read).toBeLessThan(accepted * 1.15);
});

test("at ten times the load too", () => {
  const server = new Server();
  server.run(2, 10_000, 1000);
  const { accepted, read } = server.run(10, 10_000, 1000);
  expect(accepted).toBeGreaterThan(9500);
  expect(read).toBeLessThan(accepted * 1.25);
});

test("when the load falls, everything is read again within seconds", () => {
  const server = new Server();
  server.run(10, 4000, 1000);
  server.run(5, 500, 1000);
  expect(server.shedding.active).toBe(false);
  expect(server.run(5, 500, 1000)).toEqual({ accepted: 2500, read: 2500 });
});

test("when nothing at all is accepted, some are still read, and the end of the trouble is noticed", () => {
  const server = new Server();
  server.run(5, 2000, 0);
  const { read } = server.run(5, 2000, 0);
  expect(read).toBeGreaterThan(200);
  expect(read).toBeLessThan(2000);
  server.run(8, 2000, 4000);
  expect(server.run(1, 2000, 4000)).toEqual({ accepted: 2000, read: 2000 });
});

test("a caller who has a few refused is not shut out", () => {
  const server = new Server();
  for (let index = 0; index < 4; index++) {
    server.shedding.noteRead();
    server.shedding.noteRefused();
  }
  server.pass(150);
  expect(server.shedding.active).toBe(false);
});

test("a clock that jumps makes it forget, not err", () => {
  for (const jump of [-3_600_000, 3_600_000]) {
    const server = new Server();
    server.run(5, 2000, 1000);
    expect(server.shedding.active).toBe(true);
    server.pass(jump);
    expect(server.shedding.active).toBe(false);
  }
});
