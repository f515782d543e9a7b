import { restAddress, restOption, serverOption } from "../client/address.ts";
import { postJson } from "../client/rest.ts";
import type { Command } from "../command.ts";
import { Exit } from "../exit-codes.ts";
import { planPage } from "../explanation-page.ts";
import { readJobFile } from "../job-file/read-file.ts";
import { safeJson } from "../text/safe.ts";
import { styleFor } from "../text/style.ts";

export const command: Command = {
  usage: "<job.json | -> [options]",
  about:
    "Says what would become of the job that the file describes (- reads standard input): its price, the nodes that match, and when it would start. Nothing is submitted. Asks the server's REST API.",
  options: [restOption, serverOption],
  operands: ["the job's file"],
  examples: [["plan job.json", "what it would cost, and whether it could run"]],
  json: true,
  readsConfig: true,
  async run(invocation) {
    const { world, json, value } = invocation;
    const { document } = await readJobFile(invocation);
    const rest = restAddress(value("rest"), value("server"), invocation.load().config);
    const plan = await postJson(rest, "/api/v1/jobs/plan", document, null);
    const paper = {
      style: styleFor(world.stdout, world.environment),
      width: world.stdout.isTTY ? world.stdout.columns : Number.POSITIVE_INFINITY,
      now: world.clock.now(),
    };
    world.stdout.write(json ? `${safeJson(plan, 2)}\n` : planPage(plan, paper));
    return Exit.ok;
  },
};
