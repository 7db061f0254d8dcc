/* Forced into every file of the WebAssembly build: errors leave through the host, because WebAssembly has no jumps. */
#ifndef MLTB_LUA_WASM_H
#define MLTB_LUA_WASM_H

#define luai_jmpbuf int
/* lj.status tells luaD_rawrunprotected what happened; a host exception carries nothing. */
#define LUAI_THROW(L, c) host_throw()
#define LUAI_TRY(L, c, a) host_try((void (*)(struct lua_State *, void *))f, L, ud)

struct lua_State;
/* Throws through all frames up to the nearest host_try. */
__attribute__((import_module("env"), import_name("host_throw"), noreturn)) void host_throw(void);
/* Calls f(L, ud) and returns when it does, or when it throws. */
__attribute__((import_module("env"), import_name("host_try"))) void host_try(void (*f)(struct lua_State *, void *),
                                                                             struct lua_State *L, void *ud);
#endif
