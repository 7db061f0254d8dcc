/* Lua state, HAL bindings (firmware/runtime/types/hal.d.ts) and the main loop. */
#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "frame.h"
#include "lauxlib.h"
#include "lua.h"
#include "lualib.h"
#include "sampler.h"

extern const char bundle_start[], bundle_end[];
/* Readable in the image: which bundle it carries. */
__attribute__((used, section(".bundle.hash"))) const char bundle_sha256[] = "mltb-bundle-sha256:" BUNDLE_SHA256;

#define CHUNK 512u

static size_t heap_used;
/* In memory that start-up does not clear, so that every start has another number. */
__attribute__((section(".noinit"))) static uint32_t starts;

static void *allocate(void *data, void *pointer, size_t old, size_t size) {
  (void)data;
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

static int hal_serial(lua_State *L) {
  lua_pushliteral(L, "RP2040-IMAGE");
  return 1;
}
static int hal_epoch(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)(starts & 0xffffu));
  return 1;
}
static int hal_reset_cause(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)board_reset_cause());
  return 1;
}
static int hal_restart(lua_State *L) {
  (void)L;
  board_reset();
}
static int hal_ticks_us(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)board_ticks_us());
  return 1;
}
static int hal_link_write(lua_State *L) {
  size_t size;
  const char *bytes = luaL_checklstring(L, 1, &size);
  link_write((const uint8_t *)bytes, size);
  return 0;
}
static int hal_link_room(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)link_room());
  return 1;
}
static int hal_gpio_mode(lua_State *L) {
  gpio_mode((unsigned)luaL_checkinteger(L, 1), (unsigned)luaL_checkinteger(L, 2));
  return 0;
}
static int hal_gpio_write(lua_State *L) {
  gpio_write((unsigned)luaL_checkinteger(L, 1), (unsigned)luaL_checkinteger(L, 2));
  return 0;
}
static int hal_gpio_read(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)gpio_read((unsigned)luaL_checkinteger(L, 1)));
  return 1;
}
static int hal_shift_out(lua_State *L) {
  unsigned data = (unsigned)luaL_checkinteger(L, 1);
  unsigned clock = (unsigned)luaL_checkinteger(L, 2);
  unsigned latch = (unsigned)luaL_checkinteger(L, 3);
  size_t size;
  const char *bytes = luaL_checklstring(L, 4, &size);
  for (size_t i = 0; i < size; i++) {
    for (unsigned bit = 8; bit-- > 0;) {
      gpio_write(data, ((uint8_t)bytes[i] >> bit) & 1u);
      gpio_write(clock, 1);
      gpio_write(clock, 0);
    }
  }
  gpio_write(latch, 1);
  gpio_write(latch, 0);
  return 0;
}
static int hal_i2c_xfer(lua_State *L) {
  uint8_t in[64];
  size_t out_size;
  const char *out = luaL_checklstring(L, 3, &out_size);
  size_t in_size = (size_t)luaL_checkinteger(L, 4);
  luaL_argcheck(L, in_size <= sizeof in, 4, "64 bytes at most");
  int failed = i2c_xfer((unsigned)luaL_checkinteger(L, 1), (unsigned)luaL_checkinteger(L, 2), (const uint8_t *)out,
                        out_size, in, in_size);
  if (failed != 0) lua_pushnil(L);
  else lua_pushlstring(L, (const char *)in, in_size);
  return 1;
}
static int hal_delay_us(lua_State *L) {
  board_delay_us((uint32_t)luaL_checkinteger(L, 1));
  return 0;
}
static int hal_edges_start(lua_State *L) {
  edges_start((uint32_t)luaL_checkinteger(L, 1));
  return 0;
}
static int hal_edge_take(lua_State *L) {
  struct edge edge;
  if (!edges_take(&edge)) return 0;
  lua_pushinteger(L, edge.pin);
  lua_pushinteger(L, edge.level);
  lua_pushinteger(L, (lua_Integer)edge.tick_us);
  lua_pushinteger(L, (lua_Integer)edge.index);
  return 4;
}
static int hal_edges_lost(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)edges_lost());
  return 1;
}
static int hal_sampler_start(lua_State *L) {
  lua_pushboolean(L, sampler_start((uint32_t)luaL_checkinteger(L, 1), (uint32_t)luaL_checkinteger(L, 2)));
  return 1;
}
static int hal_sampler_stop(lua_State *L) {
  (void)L;
  sampler_stop();
  return 0;
}
/* The block itself is a handle: no copy of it ever enters Lua. */
static struct block taken;
static int hal_sampler_take(lua_State *L) {
  sampler_release();
  if (!sampler_take(&taken)) return 0;
  lua_pushlightuserdata(L, &taken);
  lua_pushinteger(L, (lua_Integer)taken.first);
  lua_pushinteger(L, (lua_Integer)taken.tick_us);
  lua_pushinteger(L, (lua_Integer)taken.lost);
  return 4;
}
static int hal_crc16(lua_State *L) {
  size_t size;
  const uint8_t *bytes = (const uint8_t *)luaL_checklstring(L, 1, &size);
  uint16_t crc = crc16((uint16_t)luaL_checkinteger(L, 2), bytes, size);
  lua_pushinteger(L, crc);
  return 1;
}
static int hal_link_frame(lua_State *L) {
  static uint8_t wire[FRAME_WIRE_MAX];
  size_t header_size, body_size, bulk_size = 0;
  const uint8_t *header = (const uint8_t *)luaL_checklstring(L, 1, &header_size);
  const uint8_t *body = (const uint8_t *)luaL_checklstring(L, 2, &body_size);
  const uint8_t *bulk = NULL;
  if (lua_islightuserdata(L, 3)) {
    bulk = taken.bytes;
    bulk_size = taken.size;
  } else if (!lua_isnoneornil(L, 3)) {
    bulk = (const uint8_t *)luaL_checklstring(L, 3, &bulk_size);
  }
  luaL_argcheck(L, header_size + body_size + bulk_size + 2 <= FRAME_MAX, 2, "frame too long");
  size_t size = frame_seal(wire, header, header_size, body, body_size, bulk, bulk_size);
  link_write(wire, size);
  lua_pushinteger(L, (lua_Integer)size);
  return 1;
}
static int hal_deframe(lua_State *L) {
  static uint8_t plain[FRAME_MAX];
  size_t size, plain_size;
  const uint8_t *block = (const uint8_t *)luaL_checklstring(L, 1, &size);
  enum frame_fault fault = size > sizeof plain ? FRAME_COBS : frame_unseal(plain, &plain_size, block, size);
  if (fault == FRAME_GOOD) lua_pushlstring(L, (const char *)plain, plain_size);
  else lua_pushinteger(L, (lua_Integer)fault);
  return 1;
}
static int hal_heap_bytes(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)heap_used);
  return 1;
}

static const luaL_Reg hal[] = {
    {"serial", hal_serial},         {"epoch", hal_epoch},           {"reset_cause", hal_reset_cause},
    {"ticks_us", hal_ticks_us},     {"link_write", hal_link_write}, {"link_room", hal_link_room},
    {"gpio_mode", hal_gpio_mode},   {"gpio_write", hal_gpio_write}, {"gpio_read", hal_gpio_read},
    {"i2c_xfer", hal_i2c_xfer},     {"delay_us", hal_delay_us},     {"edges_start", hal_edges_start},
    {"crc16", hal_crc16},           {"heap_bytes", hal_heap_bytes}, {"restart", hal_restart},       {"shift_out", hal_shift_out},       {"link_frame", hal_link_frame},
    {"deframe", hal_deframe},
    {"edge_take", hal_edge_take},   {"edges_lost", hal_edges_lost}, {"sampler_start", hal_sampler_start},
    {"sampler_stop", hal_sampler_stop}, {"sampler_take", hal_sampler_take},
    {NULL, NULL},
};

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

int main(void) {
  board_init();
  frame_init();
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
  luaL_newlib(L, hal);
  call(L, 1, 1);
  lua_getfield(L, -1, "rx");
  int rx = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_getfield(L, -1, "tick");
  int tick = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_settop(L, 0);
  lua_gc(L, LUA_GCCOLLECT);

  uint8_t chunk[CHUNK];
  uint32_t last_us = board_ticks_us();
  uint64_t now_us = 0;
  uint64_t due_us = 0;
  for (;;) {
    link_pump();
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
    if (size == 0 && now_us < due_us && !sampler_ready()) {
      board_idle(ticks + (uint32_t)(due_us - now_us));
      continue;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, tick);
    lua_pushinteger(L, (lua_Integer)(now_us / 1000u));
    call(L, 1, 1);
    lua_Integer wait_ms = lua_tointeger(L, -1);
    lua_settop(L, 0);
    due_us = (now_us / 1000u + (uint64_t)(wait_ms > 0 ? wait_ms : 1)) * 1000u;
  }
}
