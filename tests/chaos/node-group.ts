/** Light nodes that share their fate. */
import { until } from "../support/servers.ts";
import { LightNode, type LightNodeOptions } from "./light-node.ts";
import { NodeLine } from "./node-line.ts";

export class NodeGroup {
  private constructor(
    readonly line: NodeLine,
    private readonly nodes: readonly LightNode[],
  ) {}

  static async start(count: number, serverPort: number, options: LightNodeOptions): Promise<NodeGroup> {
    const byId = new Map<string, LightNode>();
    const line = await NodeLine.open(serverPort, (request, attempt) => {
      const node = byId.get(request.nodeId);
      return node ? node.assign(request, attempt) : { accepted: false, error: { code: 409 } };
    });
    for (let index = 0; index < count; index++) {
      const id = crypto.randomUUID();
      byId.set(id, new LightNode(id, line, options));
    }
    const group = new NodeGroup(line, [...byId.values()]);
    for (const node of group.nodes) node.start();
    await until("every light node to be registered", () => group.nodes.every((node) => node.registered), 60_000);
    return group;
  }

  /** All at once and without a word: runs, results not yet taken, and the port. */
  killAll(): void {
    for (const node of this.nodes) node.kill();
    this.line.hangUp();
    this.line.toServer.cut();
  }

  async startAll(): Promise<void> {
    this.line.toServer.mend();
    await this.line.listen();
    for (const node of this.nodes) node.start();
  }

  /** No packet passes in either direction, and nobody is told. */
  partition(): void {
    this.line.toServer.stall();
    this.line.toNodes.stall();
  }

  heal(): void {
    this.line.toServer.flow();
    this.line.toNodes.flow();
  }

  cut(): void {
    this.line.toServer.cut();
    this.line.toNodes.cut();
  }

  mend(): void {
    this.line.toServer.mend();
    this.line.toNodes.mend();
  }

  stop(): void {
    for (const node of this.nodes) node.kill();
    this.line.close();
  }
}
