/** Holds a value against a schema of the API's own OpenAPI document. Returns what does not fit, by path. */
import type { Schema } from "../../../src/transport/rest/openapi/schema.ts";
import { schemas } from "../../../src/transport/rest/openapi/schemas.ts";

export function misfits(value: unknown, schema: Schema, path = "$"): string[] {
  if (schema.$ref !== undefined) {
    const named = schemas[schema.$ref.replace("#/components/schemas/", "")];
    return named === undefined ? [`${path}: ${schema.$ref} does not exist`] : misfits(value, named, path);
  }
  const types = typeof schema.type === "string" ? [schema.type] : schema.type;
  const actual = typeOf(value);
  if (types !== undefined && !types.includes(actual) && !(actual === "integer" && types.includes("number"))) {
    return [`${path}: ${actual} is not ${types.join(" or ")}`];
  }
  if (value === null) return [];
  if (schema.enum !== undefined && !schema.enum.includes(value as string))
    return [`${path}: ${value} is none of ${schema.enum}`];
  if (schema.format === "date-time" && Number.isNaN(Date.parse(value as string)))
    return [`${path}: ${value} is no time`];
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? [] : value.flatMap((item, index) => misfits(item, items, `${path}[${index}]`));
  }
  if (typeof value !== "object") return [];
  return misfitsOfObject(value as Record<string, unknown>, schema, path);
}

function misfitsOfObject(value: Record<string, unknown>, schema: Schema, path: string): string[] {
  const missing = (schema.required ?? [])
    .filter((name) => !(name in value))
    .map((name) => `${path}.${name} is missing`);
  const inside = Object.entries(value).flatMap(([name, item]) => {
    const property = schema.properties?.[name] ?? schema.additionalProperties;
    if (property === false) return [`${path}.${name} is not documented`];
    return typeof property === "object" ? misfits(item, property, `${path}.${name}`) : [];
  });
  return [...missing, ...inside];
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}
