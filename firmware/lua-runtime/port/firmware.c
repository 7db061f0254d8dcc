/* Lua state, its allocator, and the calls into the bundle. */
#include "firmware.h"

#include "board.h"
#include "hal.h"
#include "lauxlib.h"
#include "lua.h"
#include "lualib.h"
#include "pool.h"

extern const char bundle_start[], bundle_end[];
/* Readable in the image: which bundle it carries. */
__attribute__((used, section(".bundle.hash"))) const char bundle_sha256[] = "mltb-bundle-sha256:" BUNDLE_SHA256;

size_t heap_used;
/* In memory that start-up does not clear, so that every start has another number. */
__attribute__((section(".noinit"))) uint32_t starts;

static void *allocate(void *data, void *pointer, size_t old, size_t size) {
  (void)data;
  /* Code of functions lies in flash and is never given back. */
  if ((const char *)pointer >= bundle_start && (const char *)pointer < bundle_end) return NULL;
  size_t before = pointer == NULL ? 0 : old;
  if (size == 0) {
    heap_resize(pointer, before, 0);
    heap_used -= before;
    return NULL;
  }
  if (size > before && heap_used + size - before > HEAP_CAP_BYTES) return NULL;
  void *moved = heap_resize(pointer, before, size);
  if (moved != NULL) heap_used += size - before;
  return moved;
}

static void open_library(lua_State *state, const char *name, lua_CFunction open) {
  luaL_requiref(state, name, open, 1);
  lua_pop(state, 1);
}

/* Runs the function on the stack; an error that the firmware let out restarts the board. */
static void call(lua_State *state, int arguments, int results) {
  if (lua_pcall(state, arguments, results, 0) == LUA_OK) return;
  const char *message = lua_tostring(state, -1);
  debug_line(message == NULL ? "error" : message);
  board_reset();
}

/* What the heap holds after a full collection, for whoever watches the debug line. */
static void boot_line(void) {
  char line[] = "heap ......";
  size_t left = heap_used;
  for (size_t at = sizeof line - 2; line[at] == '.'; at--) {
    line[at] = (char)('0' + left % 10u);
    left /= 10u;
  }
  debug_line(line);
}

static lua_State *L;
static int rx, tick;

#ifdef PACKED_BUNDLE
/* A small heap has no room for garbage: cycles begin early, and every dispatch pays for its own. */
#define GARBAGE_SHARE 12u
#define HEAP_RESERVE_BYTES HEAP_CAP_BYTES
#define STEP_BITS 11
#else
/* A cycle begins when a quarter of the heap is new: rarer cycles cost less, and 25 per cent fit below the cap. */
#define GARBAGE_SHARE 4u
/* Below this much room a step is made after every dispatch. */
#define HEAP_RESERVE_BYTES 24000u
/* Steps of 512 bytes. */
#define STEP_BITS 9
#endif
/* What the heap held after the last cycle; a cycle is under way. */
static size_t live;
static int collecting;
static void collect_if_short(void);

void firmware_start(void) {
  starts++;
  L = lua_newstate(allocate, NULL);
  if (L == NULL) board_reset();
#ifdef STACK_KEPT
  lua_checkstack(L, STACK_KEPT - LUA_MINSTACK);
#endif
  open_library(L, LUA_GNAME, luaopen_base);
  open_library(L, LUA_STRLIBNAME, luaopen_string);
  open_library(L, LUA_TABLIBNAME, luaopen_table);
#ifndef PACKED_BUNDLE
  open_library(L, LUA_MATHLIBNAME, luaopen_math);
#endif
  /* Steps run from the idle loop, so that no dispatch pays for garbage. */
  lua_gc(L, LUA_GCINC, 120, 400, STEP_BITS);
  if (luaL_loadbufferx(L, bundle_start, (size_t)(bundle_end - bundle_start), "=bundle", "b") != LUA_OK) {
    debug_line(lua_tostring(L, -1));
    board_reset();
  }
  call(L, 0, 1);
  lua_getfield(L, -1, "boot");
  hal_push(L);
  call(L, 1, 1);
  lua_getfield(L, -1, "rx");
  rx = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_getfield(L, -1, "tick");
  tick = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_settop(L, 0);
#ifdef PACKED_BUNDLE
  /* The bundle holds every function of the libraries that it calls: their tables, four kilobytes, are of no more use. */
  lua_pushnil(L);
  lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
  lua_pushnil(L);
  lua_setfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_pushliteral(L, "");
  lua_pushnil(L);
  lua_setmetatable(L, -2);
  lua_settop(L, 0);
#endif
  lua_gc(L, LUA_GCCOLLECT);
  lua_gc(L, LUA_GCSTOP);
  live = heap_used;
  boot_line();
}

int firmware_collect(void) {
  if (!collecting && heap_used < live + live / GARBAGE_SHARE) return 0;
  collecting = lua_gc(L, LUA_GCSTEP, 0) == 0;
  if (!collecting) live = heap_used;
  return 1;
}

/* A board that is never idle must collect too, in the same small steps. */
static void collect_if_short(void) {
  if (heap_used > HEAP_CAP_BYTES - HEAP_RESERVE_BYTES) firmware_collect();
}

void firmware_rx(const uint8_t *bytes, size_t size, uint32_t now_ms) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, rx);
  lua_pushlstring(L, (const char *)bytes, size);
  lua_pushinteger(L, (lua_Integer)now_ms);
  call(L, 2, 0);
  collect_if_short();
}

uint32_t firmware_tick(uint32_t now_ms) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, tick);
  lua_pushinteger(L, (lua_Integer)now_ms);
  call(L, 1, 1);
  lua_Integer wait_ms = lua_tointeger(L, -1);
  lua_settop(L, 0);
  collect_if_short();
  return wait_ms > 0 ? (uint32_t)wait_ms : 1u;
}
