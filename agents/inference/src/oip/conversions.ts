import { type AgentErrorKind, isAgentError } from "../errors.ts";
import { classify } from "./classification.ts";
import { grpcRequest } from "./grpc-request.ts";
import { indexRequest, loadRequest, restAnswer, restRequest } from "./rest-body.ts";

/** Conversions between what travels and tensors: functions of plain data, so that another process can do them. */
export const conversions = { classify, grpcRequest, indexRequest, loadRequest, restAnswer, restRequest };

export type ConversionName = keyof typeof conversions;
export type Conversion<K extends ConversionName> = (typeof conversions)[K];

/** What the process is asked. */
export interface ConversionJob {
  name: ConversionName;
  args: unknown[];
}

/** What the process answers: a result, a refusal in the words of `AgentError`, or an error that nobody expected. */
export type ConversionReply =
  | { result: unknown }
  | { refused: { kind: AgentErrorKind; message: string } }
  | { failed: string };

/** Carries a job out; never throws. */
export function convert({ name, args }: ConversionJob): ConversionReply {
  try {
    const conversion = conversions[name] as (...given: unknown[]) => unknown;
    return { result: conversion(...args) };
  } catch (error) {
    if (isAgentError(error)) return { refused: { kind: error.kind, message: error.message } };
    return { failed: (error as Error).message };
  }
}
