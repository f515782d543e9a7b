/** Proves to the server that an operator calls. */
import { sign } from "hono/jwt";
import type { Invocation, OptionSpec } from "../command.ts";

export const adminTokenOption: OptionSpec = {
  name: "admin-token",
  value: "JWT",
  doc: "an operator's token (default: CYXWIZ_ADMIN_TOKEN, or one signed with jwt.admin_secret where that is set here)",
};

/** Long enough for one call to a server whose clock is a little off, and of no use to whoever finds it later. */
const GOOD_FOR_SECONDS = 300;

/** Null: none is known, which does for a server on this machine without `jwt.admin_secret`. */
export async function operatorToken({ value, world, load }: Invocation): Promise<string | null> {
  const given = value("admin-token") ?? world.environment.CYXWIZ_ADMIN_TOKEN;
  if (given !== undefined && given.trim() !== "") return given.trim();
  const secret = load().config.jwt.adminSecret;
  if (secret === undefined) return null;
  const exp = Math.floor(world.clock.now() / 1000) + GOOD_FOR_SECONDS;
  return sign({ sub: world.environment.USER || "operator", exp }, secret, "HS256");
}
