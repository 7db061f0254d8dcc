/** Import directions of the house (docs/architecture.md), checked by `npm run lint`. */
const only = (name, from, allowed) => ({
  name,
  severity: "error",
  // The size gate boots the bundle in the simulators' Lua board: a build tool, not firmware.
  from: { path: from, pathNot: "\\.test\\.ts$|/test/|^firmware/build/size(-floor)?\\.ts$" },
  to: { path: "^(protocol|hardware|firmware|simulators|host|agents)/", pathNot: [from, ...allowed] },
});

module.exports = {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    only("protocol-imports-nothing", "^protocol/", []),
    only("hardware-imports-protocol", "^hardware/", ["^protocol/"]),
    only("firmware-imports-hardware-and-protocol", "^firmware/", ["^hardware/", "^protocol/"]),
    only("simulators-import-down", "^simulators/", ["^hardware/", "^protocol/", "^agents/kit/"]),
    only("contract-imports-nothing", "^host/contract/", []),
    only("supervisor-imports-down", "^host/supervisor/", ["^hardware/", "^protocol/", "^host/contract/"]),
    only("bench-imports-down", "^host/bench/", ["^hardware/", "^protocol/", "^host/contract/"]),
    only("agents-import-the-contract", "^agents/", ["^agents/", "^host/contract/"]),
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)dist/" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default"] },
  },
};
