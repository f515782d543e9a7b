/** Kinds of values that name something on a network: listen addresses, URLs, and Solana public keys. */
import { isSolanaAddress } from "../domain/base58.ts";
import { accept, type Kind, type Parsed, refuse } from "./kinds.ts";
import { table } from "./table-kinds.ts";

/** A host (name, IPv4, or IPv6 without brackets) and a port; port 0 lets the system choose one. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

const ipv6 = /^[0-9a-fA-F:]*:[0-9a-fA-F:.]*(%[\w.-]+)?$/;
const hostname = /^(?!-)[A-Za-z0-9._-]+$/;

/** Reads `host:port` or `[ipv6]:port`. */
export function parseAddress(written: string): Parsed<Address> {
  if (/^\w+:\/\//.test(written)) return refuse("must be host:port without a scheme such as http://");
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(written.trim());
  if (match === null) {
    const bare = (written.match(/:/g)?.length ?? 0) > 1 && !written.includes("[");
    return refuse(bare ? "must put an IPv6 address in brackets, like [::1]:50051" : "must be host:port");
  }
  const [, bracketed, plain] = match;
  const host = bracketed ?? plain ?? "";
  if (bracketed === undefined ? !hostname.test(host) : !ipv6.test(host)) {
    return refuse("must name a host before the port; every interface is 0.0.0.0 or [::]");
  }
  // All-digit dotted names are meant as IPv4; a resolver would treat "256.1.1.1" as a name and fail much later.
  if (/^[\d.]+$/.test(host) && !/^((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(?!$)|$)){4}$/.test(host)) {
    return refuse("must hold a complete IPv4 address, like 127.0.0.1");
  }
  const port = Number(match[3]);
  if (port > 65_535) return refuse("must have a port from 0 to 65535");
  return accept({ host, port });
}

/** The inverse of `parseAddress`. */
export const formatAddress = ({ host, port }: Address): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;

/** True where only this machine can reach the address. */
export const isLoopback = ({ host }: Address): boolean =>
  host === "localhost" || host === "::1" || /^(::ffff:)?127\./i.test(host);

/** An address to listen on. */
export function listenAddress(): Kind<Address> {
  return {
    allowed: "host:port, like 127.0.0.1:8080 or [::]:8080; port 0 picks a free one",
    parse: (raw) => (typeof raw === "string" ? parseAddress(raw) : refuse("must be host:port in quotes")),
    toToml: formatAddress,
  };
}

/** An address to call: as `listenAddress`, but the port must be known. */
export function callAddress(): Kind<Address> {
  return {
    allowed: "host:port, like node.example:50055",
    parse(raw) {
      const parsed = typeof raw === "string" ? parseAddress(raw) : refuse("must be host:port in quotes");
      return parsed.ok && parsed.value.port === 0 ? refuse("must have a port from 1 to 65535") : parsed;
    },
    toToml: formatAddress,
  };
}

/** Names to addresses. */
export const addressTable = (): Kind<ReadonlyMap<string, Address>> => table(callAddress(), "host:port");

/**
 * Takes the password out of a URL, and the keys that providers put into query strings and long path segments. Works on
 * text that is no valid URL too, because error messages show exactly such text.
 */
export function hideUrlSecrets(url: string): string {
  const shown = url
    // Up to the last @, because an unescaped password may itself hold @ or /. Then the same without a scheme.
    .replace(/^([a-z][\w+.-]*:\/{0,2}[^:@/]*):.*@/is, "$1:***@")
    .replace(/^([^:@/]*):(?!\/).*@/s, "$1:***@")
    .replace(/([?&][^=&#]*(?:pass|key|token|secret|auth)[^=&#]*=)[^&#]*/gi, "$1***");
  return /^https?:/i.test(url) ? shown.replace(/(?<=[^:/]\/)[\w-]{20,}(?=[/?#]|$)/g, "***") : shown;
}

/** A URL with one of `schemes`. */
export function url(schemes: readonly string[]): Kind<string> {
  const allowed = `a URL that starts with ${schemes.map((scheme) => `${scheme}://`).join(" or ")}`;
  return {
    allowed,
    parse(raw) {
      if (typeof raw !== "string") return refuse(`must be ${allowed}`);
      const written = raw.trim();
      if (!schemes.some((scheme) => written.toLowerCase().startsWith(`${scheme}://`)))
        return refuse(`must be ${allowed}`);
      const parsed = URL.parse(written);
      // An unescaped "/" or "#" in a password ends the host too early; what is left of the password then holds the "@".
      if (parsed === null || /@/.test(parsed.pathname + parsed.hash)) {
        return refuse("must be a URL; special characters in a password are written as %XX");
      }
      return accept(written);
    },
    toToml: (value) => value,
    hide: hideUrlSecrets,
  };
}

/** A Solana address: 32 bytes in base58. */
export function publicKey(): Kind<string> {
  const allowed = "a Solana address (32 bytes in base58)";
  return {
    allowed,
    parse: (raw) => (typeof raw === "string" && isSolanaAddress(raw) ? accept(raw) : refuse(`must be ${allowed}`)),
    toToml: (value) => value,
  };
}
