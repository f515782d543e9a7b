/** What `cyxwiz up` says, step by step. */
import { relative } from "node:path";
import { type Address, formatAddress } from "../../config/index.ts";
import { fit, safe, wrap } from "../text/safe.ts";
import { type Style, styleFor } from "../text/style.ts";
import { renderPairs } from "../text/table.ts";
import { duration } from "../text/units.ts";
import type { World } from "../world.ts";
import type { LocalMachine } from "./machine.ts";

interface Place {
  readonly grpc: Address;
  readonly rest: Address;
  /** Commands find it there by themselves; otherwise they must be told. */
  readonly isUsual: boolean;
}

export class Screen {
  readonly style: Style;
  #pending = false;

  constructor(private readonly world: World) {
    this.style = styleFor(world.stdout, world.environment);
  }

  line(text = ""): void {
    this.#clear();
    this.world.stdout.write(`${text}\n`);
  }

  /** Something has begun. On a terminal it gives way to what comes next; elsewhere it is not worth a line. */
  starting(text: string): void {
    if (!this.world.stdout.isTTY) return;
    this.#clear();
    const room = Math.max(1, this.world.stdout.columns - 3);
    this.world.stdout.write(
      `  ${this.style.dim(fit(`${safe(text)}${this.style.ellipsis}`, room, this.style.ellipsis))}`,
    );
    this.#pending = true;
  }

  done(what: string, text: string): void {
    this.line(`  ${this.style.tick} ${what.padEnd(8)}${text}`);
  }

  /** Takes away what had only begun. */
  settle(): void {
    this.#clear();
  }

  #clear(): void {
    if (this.#pending) this.world.stdout.write("\r\x1b[K");
    this.#pending = false;
  }

  /** A path as short as it can be typed from here. */
  path(path: string): string {
    const short = relative(this.world.directory, path);
    return safe(short.startsWith("..") || short === "" ? path : short);
  }

  nodesStarted(machine: LocalMachine, took: number): void {
    const names = machine.nodes.map(({ name }) => name).join(", ");
    this.done("nodes", `${names} (${duration(took)})`);
  }

  /** A sentence of less weight, in lines that fit. */
  note(text: string): void {
    const indent = "    ";
    const { isTTY, columns } = this.world.stdout;
    const room = isTTY ? Math.max(20, columns - 1 - indent.length) : Number.POSITIVE_INFINITY;
    for (const line of wrap(text, room)) this.line(indent + this.style.dim(line));
  }

  /** Where everything is, and what to do next. */
  whereabouts(
    machine: Place,
    files: { readonly dataDir: string; readonly log: string; readonly sample: string },
  ): void {
    const rest = `http://${formatAddress(machine.rest)}`;
    const { bold, accent, dim } = this.style;
    this.line(bold("Everything is up."));
    this.line(
      renderPairs(
        [
          ["gRPC", formatAddress(machine.grpc)],
          ["REST", rest],
          ["OpenAPI", `${rest}/api/openapi.json`],
          ["data", this.path(files.dataDir)],
          ["log", this.path(files.log)],
        ],
        this.style,
        "  ",
      ),
    );
    this.line();
    this.line(bold("From another terminal"));
    const server = machine.isUsual ? "" : ` --server=${formatAddress(machine.grpc)}`;
    const restFlag = machine.isUsual ? "" : ` --rest=${formatAddress(machine.rest)}`;
    const commands = [
      [`jobs${server}`, "what has run"],
      [`nodes${restFlag}`, "who can run things"],
      [`submit ${this.path(files.sample)} --wait${server}${restFlag}`, "train it again, or change the file first"],
    ] as const;
    for (const [command, does] of commands) {
      this.line(`  ${accent(`${this.world.build.command} ${command}`)}`);
      this.line(dim(`      ${does}`));
    }
    this.line();
    this.line("Press Ctrl-C to stop.");
  }
}
