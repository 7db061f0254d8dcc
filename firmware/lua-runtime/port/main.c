/* Lua state with its allocator, and the main loop: Lua runs for bytes, a due timer, a full block or a finished sweep. */
#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "frame.h"
#include "hal.h"
#include "i2c.h"
#include "lauxlib.h"
#include "link.h"
#include "lua.h"
#include "lualib.h"
#include "safety.h"
#include "sampler.h"
#include "trip.h"

extern const char bundle_start[], bundle_end[];
/* Readable in the image: which bundle it carries. */
__attribute__((used, section(".bundle.hash"))) const char bundle_sha256[] = "mltb-bundle-sha256:" BUNDLE_SHA256;

#define CHUNK 512u

size_t heap_used;
/* In memory that start-up does not clear, so that every start has another number. */
__attribute__((section(".noinit"))) uint32_t starts;

static void *allocate(void *data, void *pointer, size_t old, size_t size) {
  (void)data;
  /* Code of functions lies in flash and is never given back. */
  if ((const char *)pointer >= bundle_start && (const char *)pointer < bundle_end) return NULL;
  size_t before = pointer == NULL ? 0 : old;
  if (size == 0) {
    free(pointer);
    heap_used -= before;
    return NULL;
  }
  if (size > before && heap_used + size - before > HEAP_CAP_BYTES) return NULL;
  void *moved = realloc(pointer, size);
  if (moved != NULL) heap_used += size - before;
  return moved;
}

static void open_library(lua_State *L, const char *name, lua_CFunction open) {
  luaL_requiref(L, name, open, 1);
  lua_pop(L, 1);
}

/* Runs the function on the stack; an error that the firmware let out restarts the board. */
static void call(lua_State *L, int arguments, int results) {
  if (lua_pcall(L, arguments, results, 0) == LUA_OK) return;
  const char *message = lua_tostring(L, -1);
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

int main(void) {
  board_init();
  frame_init();
  link_init();
  starts++;
  lua_State *L = lua_newstate(allocate, NULL);
  if (L == NULL) board_reset();
  open_library(L, LUA_GNAME, luaopen_base);
  open_library(L, LUA_STRLIBNAME, luaopen_string);
  open_library(L, LUA_TABLIBNAME, luaopen_table);
  open_library(L, LUA_MATHLIBNAME, luaopen_math);
  /* A new cycle at 120 per cent of what was live, in steps of 512 bytes: no pause grows with the heap. */
  lua_gc(L, LUA_GCINC, 120, 400, 9);
  if (luaL_loadbufferx(L, bundle_start, (size_t)(bundle_end - bundle_start), "=bundle", "b") != LUA_OK) {
    debug_line(lua_tostring(L, -1));
    board_reset();
  }
  call(L, 0, 1);
  lua_getfield(L, -1, "boot");
  hal_push(L);
  call(L, 1, 1);
  lua_getfield(L, -1, "rx");
  int rx = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_getfield(L, -1, "tick");
  int tick = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_settop(L, 0);
  lua_gc(L, LUA_GCCOLLECT);
  boot_line();
  safety_start();

  uint8_t chunk[CHUNK];
  uint32_t last_us = board_ticks_us();
  uint64_t now_us = 0;
  uint64_t due_us = 0;
  for (;;) {
    uint32_t ticks = board_ticks_us();
    now_us += ticks - last_us;
    last_us = ticks;
    size_t size = link_read(chunk, sizeof chunk);
    if (size > 0) {
      lua_rawgeti(L, LUA_REGISTRYINDEX, rx);
      lua_pushlstring(L, (const char *)chunk, size);
      lua_pushinteger(L, (lua_Integer)(now_us / 1000u));
      call(L, 2, 0);
    }
    if (size == 0 && now_us < due_us && !sampler_ready() && !sweep_ready() && !trip_ready()) {
      board_idle(ticks + (uint32_t)(due_us - now_us));
      continue;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, tick);
    lua_pushinteger(L, (lua_Integer)(now_us / 1000u));
    call(L, 1, 1);
    lua_Integer wait_ms = lua_tointeger(L, -1);
    lua_settop(L, 0);
    safety_ticked();
    due_us = (now_us / 1000u + (uint64_t)(wait_ms > 0 ? wait_ms : 1)) * 1000u;
  }
}
