/** All gangs that this node is a member of, and the service through which those that it leads are joined. */
import { createHash, timingSafeEqual } from "node:crypto";
import { type CallContext, type Metadata, ServerError, Status } from "nice-grpc";
import type { Frame } from "../../transport/grpc/generated/cyxwiz/gang.ts";
import type { Gang, GangAttempt, GangTimes } from "./gang.ts";
import { Gathering } from "./gathering.ts";
import { Membership } from "./membership.ts";
import { Peer } from "./peer.ts";
import type { GangRole } from "./role.ts";
import type { OutgoingFrame } from "./share-frames.ts";

export class Gangs {
  readonly #gatherings = new Map<string, Gathering>();

  constructor(private readonly times: GangTimes) {}

  /** Takes this node's place: rank 0 is from now on at home to the others, they begin to seek it. */
  enter(of: GangAttempt, role: GangRole): Gang {
    if (role.rank > 0) return new Membership(role, of, this.times);
    const name = nameOf(of);
    const gathering = new Gathering(role, this.times, () => {
      if (this.#gatherings.get(name) === gathering) this.#gatherings.delete(name);
    });
    this.#gatherings.set(name, gathering);
    return gathering;
  }

  /** GangService.Train. @throws ServerError to a caller that is not a member, or not yet */
  async *train(
    frames: AsyncIterable<Frame>,
    { metadata }: CallContext,
  ): AsyncGenerator<OutgoingFrame, void, undefined> {
    const { rank, gathering } = this.#admission(metadata);
    const peer: Peer = new Peer(
      `rank ${rank}`,
      {
        onShare: (received) => gathering.take(rank, received),
        onEnd: (reason) => {
          gathering.left(rank, reason);
          peer.end(null);
        },
        onGone: (why) => gathering.lost(why),
      },
      this.times.gangSilence,
    );
    void peer.listen(frames);
    gathering.admit(rank, peer);
    yield* peer.outgoing();
  }

  #admission(metadata: Metadata): { readonly rank: number; readonly gathering: Gathering } {
    const jobId = metadata.get("cyxwiz-job") ?? "";
    const attempt = wholeOf(metadata, "cyxwiz-attempt");
    const gathering = this.#gatherings.get(nameOf({ jobId, attempt }));
    if (!gathering) {
      const which = `attempt ${attempt} of job ${JSON.stringify(jobId.slice(0, 40))}`;
      throw new ServerError(Status.NOT_FOUND, `no gang gathers here for ${which}; if it is to, come again`);
    }
    if (!isSame(metadata.get("cyxwiz-gang-key") ?? "", gathering.role.key)) {
      throw new ServerError(Status.PERMISSION_DENIED, "cyxwiz-gang-key: is not the key of this attempt's gang");
    }
    const rank = wholeOf(metadata, "cyxwiz-gang-rank");
    const objection = gathering.objection(rank, wholeOf(metadata, "cyxwiz-gang-size"));
    if (objection) {
      const code = objection.kind === "taken" ? Status.ALREADY_EXISTS : Status.INVALID_ARGUMENT;
      throw new ServerError(code, objection.message);
    }
    return { rank, gathering };
  }
}

const nameOf = ({ jobId, attempt }: GangAttempt): string => `${jobId}/${attempt}`;

/** NaN, which equals nothing, for what is no whole number. */
function wholeOf(metadata: Metadata, name: string): number {
  const text = String(metadata.get(name) ?? "");
  return /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
}

/** In a time that tells nothing of where they differ. */
function isSame(given: string, key: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given.toLowerCase()), digest(key));
}
