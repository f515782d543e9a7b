/** Where a job's money is. */
import type { PaymentContext } from "../../../actors/payment/state.ts";
import { ActorUnknown, EventRejected } from "../../../actors/runtime/index.ts";
import { Refusal } from "../../../domain/refusal.ts";
import { PAYMENT_STATUSES } from "../../../store/queries/index.ts";
import { ownerOf, requireOperator, requireReadable } from "../access.ts";
import type { RestContext, RestServices } from "../deps.ts";
import { ref } from "../openapi/schema.ts";
import { pageHeaders, pageParameters, pageRequest, pageResponse } from "../paging.ts";
import { choices, idOf, unknown } from "../request.ts";
import type { Route } from "../route.ts";
import { paymentSummary, paymentView } from "../views/payment-view.ts";
import { idParameter, statusParameter } from "./parameters.ts";

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

export const payments: Route = {
  method: "GET",
  path: "/api/v1/payments",
  id: "listPayments",
  tag: "Jobs",
  summary: "Payments, newest first",
  description: "Those that `failed` wait for an operator: `POST /api/v1/jobs/{id}/payment/retry`. For operators.",
  parameters: [statusParameter(PAYMENT_STATUSES), ...pageParameters],
  reply: { description: "A page of payments.", schema: ref("PaymentPage"), headers: pageHeaders },
  problems: [400, 401, 403],
  handle: async (context, services) => {
    await requireOperator(context, services);
    const statuses = choices(context, "status", PAYMENT_STATUSES);
    const [page, total] = await Promise.all([
      services.queries.payments.list(statuses, pageRequest(context)),
      services.queries.payments.count(statuses),
    ]);
    const rows = page.rows.map((row) => paymentSummary(row, openPayment(services, row.job_id)));
    return pageResponse(context, page, total, { payments: rows, total, next_cursor: page.next });
  },
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
    const owner = await ownerOf(id, services);
    if (owner === undefined) throw unknown("job", id);
    await requireReadable(context, services, { owner, id });
    return showPayment(context, services, id);
  },
};

export const retryPayment: Route = {
  method: "POST",
  path: "/api/v1/jobs/{id}/payment/retry",
  id: "retryPayment",
  tag: "Jobs",
  summary: "Has a payment that failed go on",
  description:
    "After whatever the chain refused has been mended: the same order is made anew, and nothing is paid twice. 409 for one that has not failed. Kept with the operator's name. For operators.",
  parameters: [idParameter("job")],
  reply: { description: "The payment as it is now.", schema: ref("Payment") },
  problems: [400, 401, 403, 404, 409],
  handle: async (context, services) => {
    const id = idOf(context, "job");
    const by = await requireOperator(context, services);
    if ((await ownerOf(id, services)) === undefined) throw unknown("job", id);
    const found = await services.queries.payments.find(id);
    if (found === undefined) throw unpaid(id);
    const { payments } = services.core;
    if (payments === null)
      throw new Refusal(
        "failed_precondition",
        "no payment goes on here: the server runs without a chain; start it with blockchain.paid_jobs",
      );
    try {
      await payments.ask(id, { type: "RETRY", by });
    } catch (error) {
      if (!(error instanceof EventRejected || error instanceof ActorUnknown)) throw error;
      const state = (await services.queries.payments.find(id))?.row.state ?? found.row.state;
      throw new Refusal("failed_precondition", `the payment of job ${id} is ${state}, and has not failed`);
    }
    return showPayment(context, services, id);
  },
};

const unpaid = (id: string): Refusal => new Refusal("not_found", `job ${id} is not paid through escrow`);

const openPayment = ({ core }: RestServices, jobId: string): PaymentContext | undefined =>
  core.payments?.peek(jobId)?.snapshot.context;

async function showPayment(context: RestContext, services: RestServices, id: string): Promise<Response> {
  const payment = await services.queries.payments.find(id);
  if (payment === undefined) throw unpaid(id);
  return context.json(paymentView(payment, openPayment(services, id)));
}
