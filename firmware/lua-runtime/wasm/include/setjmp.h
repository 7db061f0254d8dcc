/* Lua includes it; lua-wasm.h takes its place. */
