import { z } from "../schema.ts";
import { call, feature } from "./feature.ts";

const hash = z
  .string()
  .regex(/^[0-9a-f]{4,64}$/, "4 to 64 hexadecimal digits of a hash are wanted")
  .describe("its SHA-256, or 4 digits of it and more where they name one");

export const configuration = feature(
  "configuration",
  "Configurations of experiments as they were run: stored by hash before anything is powered, pulled by components.",
  {
    get: call("GET", "/api/v1/configurations/{hash}", "A configuration as it was run.", {
      params: z.object({ hash }),
      answer: z.object({ hash: z.string(), experiments: z.array(z.unknown()) }).meta({
        id: "Configuration",
        description: "The experiments of a run, with every value that was read or filled in.",
      }),
      refusals: ["unknown_configuration"],
      cli: "mltb config show HASH",
    }),
    component: call(
      "GET",
      "/api/v1/configurations/{hash}/components/{component}",
      "What a component pulls instead of being given it in a call: its parameters.",
      {
        params: z.object({ hash, component: z.string().min(1).max(128).describe("identifier of the component") }),
        answer: z.object({ component: z.string(), parameters: z.record(z.string(), z.unknown()) }).meta({
          id: "ComponentParameters",
          description: "Parameters of a component in a workflow: its own over the defaults of its service.",
        }),
        refusals: ["unknown_configuration"],
      },
    ),
  },
);
