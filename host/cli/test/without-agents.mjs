// Preloaded with `node --import`: every package that comes with agents or firmware tools is as if it were not installed.
import { registerHooks } from "node:module";

const absent =
  /^(@mltb\/agent-inference|@mltb\/agent-toolchain|onnxruntime-|@mltb\/simulators|@mltb\/firmware|typescript)/;

registerHooks({
  resolve(specifier, context, next) {
    if (!absent.test(specifier)) return next(specifier, context);
    const error = new Error(`Cannot find package '${specifier}' imported from ${context.parentURL}`);
    throw Object.assign(error, { code: "ERR_MODULE_NOT_FOUND" });
  },
});
