/**
 * Finds floating promises: a statement that starts asynchronous work and neither awaits it, nor handles its failure, nor
 * says `void`. Biome's rule of that name sees only types it infers from our own source; this one asks the TypeScript
 * compiler, so promises of Node, Bun and packages are found too.
 *
 * Usage: bun scripts/check-promises.ts [tsconfig.json]
 */
import { dirname, join, relative, resolve } from "node:path";
import { type Expression, type Node, type SourceFile, SyntaxKind } from "typescript/unstable/ast";
import {
  isAssignmentOperator,
  isBinaryExpression,
  isCallExpression,
  isExpressionStatement,
  isPropertyAccessExpression,
} from "typescript/unstable/ast/is";
import { API, type Checker, type Project, type Type } from "typescript/unstable/async";

/** Every floating promise of the project, as `file:line: ...`. */
export async function checkPromises(tsconfig: string): Promise<string[]> {
  const root = dirname(tsconfig);
  const api = new API({ cwd: root });
  try {
    const snapshot = await api.updateSnapshot({ openProjects: [tsconfig] });
    const project = snapshot.getProject(tsconfig);
    if (project === undefined) throw new Error(`${tsconfig} is no TypeScript project`);
    const found: string[] = [];
    for (const name of await project.program.getSourceFileNames()) {
      const file = isOwn(name, root) ? await project.program.getSourceFile(name) : undefined;
      if (file === undefined) continue;
      for (const line of await floatingIn(file, project)) {
        found.push(`${relative(root, name)}:${line}: floating promise: await it, handle its failure, or say void`);
      }
    }
    return found.sort();
  } finally {
    await api.close();
  }
}

const isOwn = (file: string, root: string): boolean => file.startsWith(`${root}/`) && !file.includes("/node_modules/");

async function floatingIn(file: SourceFile, project: Project): Promise<number[]> {
  const suspects: Expression[] = [];
  const visit = (node: Node): void => {
    if (isExpressionStatement(node) && isSuspect(node.expression)) suspects.push(node.expression);
    node.forEachChild((child) => visit(child));
  };
  visit(file);
  if (suspects.length === 0) return [];
  const types = await project.checker.getTypeAtLocation(suspects);
  const floating = await Promise.all(types.map((type) => type !== undefined && mayBePromise(type, project.checker)));
  return suspects
    .filter((_, index) => floating[index])
    .map((node) => file.text.slice(0, node.getStart(file)).split("\n").length);
}

/** True for promises and for unions with one, such as what `a?.b()` gives. */
async function mayBePromise(type: Type, checker: Checker): Promise<boolean> {
  const parts = type.isUnionType() ? await type.getTypes() : [type];
  const thens = await Promise.all(parts.map((part) => checker.getPropertyOfType(part, "then")));
  return thens.some((then) => then !== undefined);
}

/** Statements that may drop a promise: `await`, `void`, assignments and handled chains do not. */
function isSuspect(expression: Expression): boolean {
  if (expression.kind === SyntaxKind.AwaitExpression || expression.kind === SyntaxKind.VoidExpression) return false;
  if (isBinaryExpression(expression) && isAssignmentOperator(expression.operatorToken.kind)) return false;
  return !isHandled(expression);
}

/** `.catch(handler)` and `.then(handler, handler)`, with a `.finally()` behind or not. */
function isHandled(expression: Expression): boolean {
  if (!isCallExpression(expression) || !isPropertyAccessExpression(expression.expression)) return false;
  const { name, expression: receiver } = expression.expression;
  if (name.text === "finally") return isHandled(receiver);
  return name.text === "catch"
    ? expression.arguments.length > 0
    : name.text === "then" && expression.arguments.length > 1;
}

if (import.meta.main) {
  const found = await checkPromises(resolve(process.argv[2] ?? join(import.meta.dir, "..", "tsconfig.json")));
  for (const line of found) console.error(line);
  process.exit(found.length === 0 ? 0 : 1);
}
