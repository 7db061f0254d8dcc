import { z } from "./schema.ts";

/** Names of bays, racks, targets, boards and agents. */
export const NAME = /^[a-z0-9][a-z0-9-]{0,31}$/;
/** Names of models and identifiers in experiment files. */
export const IDENTIFIER = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

export const nameSchema = z
  .string()
  .regex(NAME, "a name has 1 to 32 characters: lower-case letters, digits and dashes, not a dash first");
export const identifierSchema = z
  .string()
  .regex(IDENTIFIER, "an identifier has 1 to 64 characters: letters, digits, _ . and -, a letter or digit first");
