/** What the server has to say to a node's owner: cordoned, draining, set aside, banned. It comes with every heartbeat. */
import type { Metadata } from "nice-grpc";
import type { Log } from "../actors/runtime/index.ts";

/** In the answer to a heartbeat: one sentence, percent-encoded, for metadata are ASCII. */
const NAME = "cyxwiz-notice";
const LONGEST = 500;

export class NoticeBoard {
  #shown: string | null = null;

  constructor(private readonly log: Log) {}

  /** @param metadata header and trailer of one answer; says a change once, and not again with every heartbeat */
  read(...metadata: readonly Metadata[]): void {
    const given = metadata.map((one) => one.get(NAME)).find((text) => text !== undefined && text !== "");
    const notice = given === undefined ? null : readable(given);
    if (notice === this.#shown) return;
    this.#shown = notice;
    if (notice === null) this.log.info("the server has withdrawn its notice about this node");
    else this.log.warn("the server has a notice about this node", { notice });
  }
}

/** It goes to a terminal, which must not be steered by it. */
function readable(text: string): string {
  return decoded(text)
    .slice(0, LONGEST)
    .toWellFormed()
    .replaceAll(/\p{Cc}/gu, " ");
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
