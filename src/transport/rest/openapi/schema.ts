/** The part of JSON Schema 2020-12 that the API's documentation uses, and short names for it. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly description?: string;
  readonly enum?: readonly (string | number | null)[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly default?: string | number | boolean;
}

export const text: Schema = { type: "string" };
export const integer: Schema = { type: "integer" };
export const float: Schema = { type: "number" };
export const flag: Schema = { type: "boolean" };
export const time: Schema = { type: "string", format: "date-time" };
export const uuid: Schema = { type: "string", format: "uuid" };
export const anyObject: Schema = { type: "object" };
/** 64-bit integers: a number up to 2^53, decimal text beyond, so that nothing is ever rounded. */
export const wide: Schema = { type: ["integer", "string"], description: "A number up to 2^53, decimal text beyond." };

export const oneOf = (...values: readonly string[]): Schema => ({ type: "string", enum: values });
export const listOf = (items: Schema): Schema => ({ type: "array", items });
export const mapOf = (values: Schema): Schema => ({ type: "object", additionalProperties: values });
export const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
export const described = (schema: Schema, description: string): Schema => ({ ...schema, description });

/** The same schema, or null. */
export function nullable(schema: Schema): Schema {
  const types = typeof schema.type === "string" ? [schema.type] : (schema.type ?? []);
  return { ...schema, type: [...types, "null"] };
}

/** An object with exactly these properties. */
export function object(properties: Readonly<Record<string, Schema>>): Schema {
  return { type: "object", properties, required: Object.keys(properties), additionalProperties: false };
}

/** A request's body: these properties and no others; those in `required` must be there. */
export const body = (properties: Readonly<Record<string, Schema>>, required: readonly string[] = []): Schema => ({
  type: "object",
  properties,
  ...(required.length > 0 && { required }),
  additionalProperties: false,
});
