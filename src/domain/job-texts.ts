/**
 * A job's big texts, kept apart from what the job remembers. The whole of that is written with each of its transitions and
 * stays in memory for as long as it lives; a model of a megabyte would be written eight times over. So a big text is stored
 * once, under the hash of its content, and the job holds the reference.
 */
import { createHash } from "node:crypto";
import type { JobSpec } from "./job-spec.ts";

/** Names a text by its content. */
export interface TextRef {
  /** Lower-case hex, of the UTF-8 text. */
  readonly sha256: string;
  /** Its length in UTF-8. */
  readonly bytes: number;
}

/** Which of a job's texts are kept apart. Where one is, the job's own field is empty. */
export interface SeparateTexts {
  /** The model definition as it was sent. */
  readonly model?: TextRef;
  /** All hyperparameters together, as a JSON object. */
  readonly hyperparameters?: TextRef;
}

export interface StoredText {
  readonly sha256: string;
  readonly content: string;
}

/**
 * In bytes, what a text may take without being kept apart. Below it a second table costs more than it saves: the rest of a job
 * is 2 kB, and the jobs there are, of a few hundred bytes, stay as they always were.
 */
export const LARGEST_INLINE_TEXT = 8192;

export const sha256Of = (text: string): string => createHash("sha256").update(text).digest("hex");

/** The same job with references in place of its big texts, and those texts. A job without any is returned as it is. */
export function separated(spec: JobSpec): { readonly spec: JobSpec; readonly texts: readonly StoredText[] } {
  const texts: StoredText[] = [];
  const refTo = (content: string): TextRef | undefined => {
    const bytes = Buffer.byteLength(content);
    if (bytes <= LARGEST_INLINE_TEXT) return undefined;
    const sha256 = sha256Of(content);
    texts.push({ sha256, content });
    return { sha256, bytes };
  };
  const model = refTo(spec.modelDefinition);
  const hyperparameters = refTo(JSON.stringify(spec.hyperparameters));
  if (texts.length === 0) return { spec, texts };
  return {
    spec: {
      ...spec,
      ...(model && { modelDefinition: "" }),
      ...(hyperparameters && { hyperparameters: {} }),
      texts: { ...(model && { model }), ...(hyperparameters && { hyperparameters }) },
    },
    texts,
  };
}

/** The job as it was submitted. @param read gives a text's content; what it throws is thrown */
export async function whole(spec: JobSpec, read: (ref: TextRef) => Promise<string>): Promise<JobSpec> {
  const { texts, ...rest } = spec;
  if (texts === undefined) return spec;
  const { model, hyperparameters } = texts;
  return {
    ...rest,
    ...(model && { modelDefinition: await read(model) }),
    ...(hyperparameters && { hyperparameters: JSON.parse(await read(hyperparameters)) }),
  };
}
