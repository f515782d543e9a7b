import { shown, TrainingError } from "../errors.ts";
import type { JobLimits } from "../job.ts";

export interface DownloadOptions {
  readonly field: string;
  readonly limits: JobLimits;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

const maxRedirects = 5;
/** A server that sends nothing for this long has gone; the whole download has `limits.downloadTimeout`. */
const silenceTimeout = 30_000;

/**
 * Fetches an http(s) address whole. The size limit counts what arrives after content decoding, so a small body that
 * inflates cannot get past it. Redirects are followed by hand, because fetch would also follow one to file: or data:.
 * Throws TrainingError "unavailable" or "too_large"; "cancelled" when `signal` aborts.
 */
export async function download(uri: string, options: DownloadOptions): Promise<Uint8Array> {
  const silence = new AbortController();
  const total = AbortSignal.timeout(options.limits.downloadTimeout);
  const signal = AbortSignal.any([options.signal, total, silence.signal]);
  const timer = setTimeout(() => silence.abort(), silenceTimeout);
  try {
    const response = await fetchFollowing(uri, signal, options.field);
    return await readBody(response, options, () => timer.refresh());
  } catch (error) {
    if (error instanceof TrainingError) throw error;
    if (options.signal.aborted) throw new TrainingError("cancelled", "the job was cancelled");
    const reason = silence.signal.aborted
      ? `nothing came for ${silenceTimeout / 1000} s`
      : total.aborted
        ? `it took more than ${options.limits.downloadTimeout / 1000} s`
        : error instanceof Error
          ? error.message
          : String(error);
    throw new TrainingError("unavailable", `${options.field}: ${display(uri)} could not be fetched: ${reason}`);
  } finally {
    clearTimeout(timer);
  }
}

async function fetchFollowing(uri: string, signal: AbortSignal, field: string): Promise<Response> {
  let address = parse(uri, undefined, field);
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    const response = await fetch(address, { redirect: "manual", signal });
    const location = response.headers.get("location");
    if (response.status >= 300 && response.status < 400 && location !== null) {
      await response.body?.cancel();
      address = parse(location, address, field);
      continue;
    }
    if (response.ok) return response;
    await response.body?.cancel();
    throw new TrainingError(
      "unavailable",
      `${field}: ${display(address.href)} answered ${response.status} ${response.statusText}`.trim(),
    );
  }
  throw new TrainingError("unavailable", `${field}: ${display(uri)} redirects more than ${maxRedirects} times`);
}

function parse(text: string, base: URL | undefined, field: string): URL {
  const address = URL.canParse(text, base?.href) ? new URL(text, base) : undefined;
  if (address === undefined || (address.protocol !== "http:" && address.protocol !== "https:")) {
    const how = base === undefined ? "is not an address" : `redirects to ${display(text)}, which is not one`;
    throw new TrainingError(
      "unavailable",
      `${field}: ${display((base ?? text).toString())} ${how}; use http: or https:`,
    );
  }
  return address;
}

async function readBody(response: Response, options: DownloadOptions, alive: () => void): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    alive();
    size += chunk.length;
    if (size > options.maxBytes) {
      throw new TrainingError(
        "too_large",
        `${options.field}: the file is larger than the ${options.maxBytes} bytes this node allows`,
      );
    }
    chunks.push(chunk);
  }
  const whole = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}

/** An address without the password or the signed query it may carry: errors are shown to others and logged. */
function display(uri: string): string {
  return shown(uri.replace(/\/\/[^/@]*@/, "//").replace(/\?.*$/s, "?..."));
}
