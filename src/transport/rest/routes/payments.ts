/** Where a job's money is. */
import { Refusal } from "../../../domain/refusal.ts";
import { callerOf, ownerOf, requireOwnJob } from "../access.ts";
import { ref } from "../openapi/schema.ts";
import { idOf, unknown } from "../request.ts";
import type { Route } from "../route.ts";
import { paymentView } from "../views/payment-view.ts";
import { idParameter } from "./parameters.ts";

export const blockchain: Route = {
  method: "GET",
  path: "/api/v1/blockchain",
  id: "getBlockchain",
  tag: "Jobs",
  summary: "What a wallet must know to pay for jobs",
  description: '`network` is "none", and the rest null, where no job is paid through escrow (docs/payments.md).',
  reply: { description: "The chain.", schema: ref("Blockchain") },
  handle: async (context, { blockchain: facts }) =>
    context.json({
      network: facts?.network ?? "none",
      rpc_url: facts?.rpcUrl ?? null,
      token_mint: facts?.mint ?? null,
      authority: facts?.authority ?? null,
      program_id: facts?.program ?? null,
      treasury: facts?.treasury ?? null,
      fee_bps: facts?.feeBps ?? null,
    }),
};

export const jobPayment: Route = {
  method: "GET",
  path: "/api/v1/jobs/{id}/payment",
  id: "getJobPayment",
  tag: "Jobs",
  summary: "Where the job's money is: its payment, and every movement of it",
  description:
    "404 also for a job that is not paid through escrow (docs/payments.md). A user's token shows the user's own jobs only.",
  parameters: [idParameter("job")],
  reply: { description: "The payment.", schema: ref("Payment") },
  problems: [400, 401, 403, 404],
  handle: async (context, services) => {
    const id = idOf(context, "job");
    const caller = await callerOf(context, services);
    const owner = await ownerOf(id, services);
    if (owner === undefined) throw unknown("job", id);
    requireOwnJob(caller, owner ?? "", id);
    const payment = await services.queries.payments.find(id);
    if (payment === undefined) throw new Refusal("not_found", `job ${id} is not paid through escrow`);
    return context.json(paymentView(payment, services.core.payments?.peek(id)?.snapshot.context));
  },
};
