import { restAddress, restOption, serverOption } from "../client/address.ts";
import { getJson } from "../client/rest.ts";
import type { Command } from "../command.ts";
import { Exit } from "../exit-codes.ts";
import { explanationPage } from "../explanation-page.ts";
import { safeJson } from "../text/safe.ts";
import { styleFor } from "../text/style.ts";
import { jobIdOf } from "./job-id.ts";

export const command: Command = {
  usage: "<job-id> [options]",
  about:
    "Says why a job waits: what each filter rules out, the best candidates with the terms of their score, its place in the queue, what would help, and how its last attempt ended. docs/scheduling.md lists the reasons. Asks the server's REST API.",
  options: [restOption, serverOption],
  operands: ["the job's id"],
  examples: [["explain 4f8f8e3c-5b0e-4a53-9a52-0d6a3f1f2b11", "why it has not started"]],
  json: true,
  readsConfig: true,
  async run(invocation) {
    const { world, json, value } = invocation;
    const id = jobIdOf(invocation);
    const rest = restAddress(value("rest"), value("server"), invocation.load().config);
    const explanation = await getJson(rest, `/api/v1/jobs/${id}/explain`);
    const paper = {
      style: styleFor(world.stdout, world.environment),
      width: world.stdout.isTTY ? world.stdout.columns : Number.POSITIVE_INFINITY,
      now: world.clock.now(),
    };
    world.stdout.write(json ? `${safeJson(explanation, 2)}\n` : explanationPage(explanation, paper));
    return Exit.ok;
  },
};
