import { z } from "../schema.ts";
import { event, feature } from "./feature.ts";

export const console = feature("console", "Lines of a target's console.", {}, [
  event("target/T/event/console", z.object({ line: z.string(), at: z.string() }), "A line of the target's console.", 0),
]);
