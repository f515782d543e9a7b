/**
 * Between servers and nodes. A message is lost, late, doubled or cut off, each way for itself; a call ends with its answer,
 * with an error, or with its time limit. To whom a node's call goes is decided when it is made: a load balancer may send it
 * to a server that no longer leads.
 */
import type { NodeLink, Offer, OfferReply } from "../../src/actors/node-link.ts";
import type { Millis } from "../../src/actors/runtime/index.ts";
import type { Process } from "./agenda.ts";
import type { Server } from "./server.ts";
import type { World } from "./world.ts";

const TIME_LIMIT: Millis = 5000;

const refusal = (outcome: "rejected" | "invalid" | "unreachable" | "no_answer"): OfferReply => ({
  accepted: false,
  outcome,
  message: outcome,
});

export class Network {
  constructor(private readonly world: World) {}

  isCut(place: string): boolean {
    return this.world.weather.of("cut", place, this.world.agenda.now) > 0;
  }

  /** One message, from or to the place. It arrives once, later, twice or never. */
  send(place: string, to: Process | null, label: string, deliver: () => void): void {
    const { agenda, chance, weather } = this.world;
    const arrive = (): void => {
      const slow = weather.of("delay", place, agenda.now) * 10_000;
      const delay = 1 + chance.draw(`${place} latency`) * (20 + slow);
      agenda.after(to, delay, label, () => {
        if (!this.isCut(place)) deliver();
      });
    };
    if (this.isCut(place) || chance.happens(`${place} drop`, weather.of("drop", place, agenda.now))) {
      this.world.saw("message lost");
      return;
    }
    arrive();
    if (chance.happens(`${place} duplicate`, weather.of("duplicate", place, agenda.now))) {
      this.world.saw("message doubled");
      arrive();
    }
  }

  /** A call to the server. `done` is called once, unless the caller dies: with the answer, or null for whatever went wrong. */
  call<R>(
    place: string,
    caller: Process,
    label: string,
    ask: (server: Server) => Promise<R>,
    done: (reply: R | null) => void,
  ): void {
    const { agenda } = this.world;
    let open = true;
    const settle = (reply: R | null): void => {
      if (!open) return;
      open = false;
      cancelLimit();
      done(reply);
    };
    const cancelLimit = agenda.after(caller, TIME_LIMIT, `${label} timeout`, () => settle(null));
    const server = this.world.routed(place);
    if (!server) {
      agenda.after(caller, 1, `${label} nobody`, () => settle(null));
      return;
    }
    this.send(place, server.process, `${server.process.name} ${label}`, () => {
      const answer = (reply: R | null): void => {
        if (server.mayAct()) this.send(place, caller, `${label} reply`, () => settle(reply));
      };
      if (server.serving) ask(server).then(answer, () => answer(null));
      else answer(null);
    });
  }

  /** The server's way to the nodes. */
  linkOf(server: Server): NodeLink {
    return {
      offer: (offer, signal) => {
        if (!server.mayAct()) return new Promise(() => {});
        this.world.laws.offered(offer);
        return this.#offer(server, offer, signal);
      },
      probe: ({ nodeId }) => {
        const node = this.world.nodes.get(nodeId);
        const place = node?.name ?? "";
        const { promise, resolve } = Promise.withResolvers<boolean>();
        const { agenda, chance } = this.world;
        agenda.after(server.process, 1 + chance.draw(`${place} probe`) * 40, `probe ${place}`, () =>
          resolve(node !== undefined && !node.process.dead && !this.isCut(place)),
        );
        return promise;
      },
    };
  }

  #offer(server: Server, offer: Offer, signal: AbortSignal): Promise<OfferReply> {
    const { agenda, chance, nodes } = this.world;
    const node = nodes.get(offer.target.nodeId);
    const { promise, resolve, reject } = Promise.withResolvers<OfferReply>();
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    const answer = (delay: Millis, reply: OfferReply): void =>
      void agenda.after(server.process, delay, `offer ${reply.accepted ? "accepted" : reply.outcome}`, () =>
        resolve(reply),
      );
    if (!node || node.process.dead || this.isCut(node.name)) {
      answer(1 + chance.draw("connect") * 2000, refusal("unreachable"));
      return promise;
    }
    answer(TIME_LIMIT, refusal("no_answer"));
    this.send(node.name, node.process, `${node.name} offer`, () => {
      const reply = node.offered(offer);
      if (reply === null) return;
      this.send(node.name, server.process, `${node.name} answers offer`, () =>
        resolve(reply === "accepted" ? { accepted: true } : refusal(reply)),
      );
    });
    return promise;
  }
}
