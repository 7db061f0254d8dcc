/* Lua state, its allocator, and the calls into the bundle. */
#include "firmware.h"

#include <string.h>

#include "board.h"
#include "hal.h"
#include "lauxlib.h"
#include "lua.h"
#include "lualib.h"
#include "pool.h"
#include "slots.h"

/* Readable in the image: which bundle it carries. */
__attribute__((used, section(".bundle.hash"))) const char bundle_sha256[] = "mltb-bundle-sha256:" BUNDLE_SHA256;

size_t heap_used;
/* In memory that start-up does not clear, so that every start has another number. */
__attribute__((section(".noinit"))) uint32_t starts;

/* The bundle that runs. */
static const char *code, *code_end;
/* What the bundle before handed over. */
#define KEPT_BYTES 256u
static char kept[KEPT_BYTES];
static size_t kept_size;
static int restart_asked, exchanged;
/* In memory that start-up does not clear: starts in a row that did not live for LIVES_US. */
#define STARTS_MAGIC 0x73746172u
#define LIVES_US 10000000u
#define STARTS_FAILED 3u
__attribute__((section(".noinit"))) static struct { uint32_t magic, young, failed; } lives;
static uint32_t started_us;
static char gave_way[96];

static void *allocate(void *data, void *pointer, size_t old, size_t size) {
  (void)data;
  /* Code of functions lies in flash and is never given back. */
  if ((const char *)pointer >= code && (const char *)pointer < code_end) return NULL;
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

/* Runs the function on the stack; 0 when it let an error out, which then stands there. */
static int call(lua_State *state, int arguments, int results) {
  if (lua_pcall(state, arguments, results, 0) == LUA_OK) return 1;
  const char *message = lua_tostring(state, -1);
  if (message == NULL) message = "error";
  debug_line(message);
  strncpy(gave_way, message, sizeof gave_way - 1);
  return 0;
}

const char *firmware_gave_way(void) {
  static char told[sizeof gave_way];
  memcpy(told, gave_way, sizeof told);
  gave_way[0] = 0;
  return told;
}

/* The firmware let an error out: a bundle on trial gives way, any other starts anew. */
static void failed(void) {
  int32_t left_ms;
  slots_running(&left_ms);
  if (left_ms < 0) board_reset();
  lives.young = 0;
  restart_asked = 1;
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
static int frame, tick, keep;
struct deframer firmware_link;

#ifdef PACKED_BUNDLE
/* A small heap has no room for garbage: cycles begin early, and every dispatch pays for its own. */
#define GARBAGE_SHARE 12u
#define HEAP_RESERVE_BYTES HEAP_CAP_BYTES
#define STEP_BITS 11
#else
/* A cycle begins when a quarter of the heap is new: rarer cycles cost less, and 25 per cent fit below the cap. */
#define GARBAGE_SHARE 4u
/* Below this much room a step is made after every dispatch. */
#define HEAP_RESERVE_BYTES 4000u
/* Small steps. */
#define STEP_BITS 7
#endif
/* A cycle begins at this much less room at the latest, so that idle time is enough for it before dispatches must help. */
#define HEAP_EARLY_BYTES (HEAP_RESERVE_BYTES + 7000u)
/* The heap at which the next cycle begins; a cycle is under way; what it gave back is still spread over lists. */
static size_t begin;
static int collecting, scattered;

/* A cycle has ended. Where little room is left, the next one still waits for some garbage. */
static void collected(void) {
  size_t least = heap_used + 4000u;
  begin = heap_used + heap_used / GARBAGE_SHARE;
  if (begin > HEAP_CAP_BYTES - HEAP_EARLY_BYTES) begin = HEAP_CAP_BYTES - HEAP_EARLY_BYTES;
  if (begin < least) begin = least;
  scattered = 1;
}

static int reference(const char *name) {
  lua_getfield(L, -1, name);
  return luaL_ref(L, LUA_REGISTRYINDEX);
}

/* 0 when the bundle does not load or boot. */
static int start(void) {
  size_t size;
  if (lives.magic != STARTS_MAGIC) lives.failed = 0;
  else if (lives.young != 0) lives.failed++;
  lives.magic = STARTS_MAGIC;
  lives.young = 1;
  started_us = board_ticks_us();
  /* A confirmed bundle that dies again and again gives way to the image's own. */
  code = (const char *)slots_choose(&size, lives.failed >= STARTS_FAILED);
  code_end = code + size;
  starts++;
  heap_gather();
  L = lua_newstate(allocate, NULL);
  if (L == NULL) board_reset();
  lua_checkstack(L, STACK_KEPT - LUA_MINSTACK);
  open_library(L, LUA_GNAME, luaopen_base);
  open_library(L, LUA_STRLIBNAME, luaopen_string);
  open_library(L, LUA_TABLIBNAME, luaopen_table);
#ifndef PACKED_BUNDLE
  open_library(L, LUA_MATHLIBNAME, luaopen_math);
#endif
  /* Steps run from the idle loop, so that no dispatch pays for garbage while there is room. */
  lua_gc(L, LUA_GCINC, 120, 400, STEP_BITS);
  if (luaL_loadbufferx(L, code, size, "=bundle", "b") != LUA_OK) {
    debug_line(lua_tostring(L, -1));
    strncpy(gave_way, "it does not load", sizeof gave_way - 1);
    return 0;
  }
  if (!call(L, 0, 1)) return 0;
  lua_getfield(L, -1, "boot");
  hal_push(L);
  lua_pushlstring(L, kept, kept_size);
  if (!call(L, 2, 1) || !lua_istable(L, -1)) return 0;
  frame = reference("frame");
  tick = reference("tick");
  keep = reference("keep");
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
  collected();
  collecting = 0;
  return 1;
}

static uint64_t clock_us;
static uint32_t read_us;
uint64_t firmware_clock_us(uint32_t ticks_us) {
  clock_us += ticks_us - read_us;
  read_us = ticks_us;
  return clock_us;
}

void firmware_start(void) {
  clock_us = 0;
  read_us = board_ticks_us();
  while (!start()) {
    failed();
    lua_close(L);
  }
  restart_asked = 0;
  kept_size = 0;
  boot_line();
}

void firmware_restart(void) { restart_asked = 1; }

int firmware_exchanged(void) { return exchanged; }

int firmware_serve_restart(void) {
  if (lives.young != 0 && board_ticks_us() - started_us >= LIVES_US) lives.young = lives.failed = 0;
  if (!restart_asked && !slots_overdue()) return 0;
  lives.young = 0;
  exchanged = 1;
  if (!restart_asked) strncpy(gave_way, "not confirmed in time", sizeof gave_way - 1);
  /* Checking and booting a bundle takes longer than a tick may. */
  board_feed();
  lua_settop(L, 0);
  lua_rawgeti(L, LUA_REGISTRYINDEX, keep);
  if (lua_isfunction(L, -1) && call(L, 0, 1)) {
    const char *bytes = lua_tolstring(L, -1, &kept_size);
    if (bytes == NULL || kept_size > sizeof kept) kept_size = 0;
    else memcpy(kept, bytes, kept_size);
  }
  lua_close(L);
  board_exchanged();
  firmware_start();
  return 1;
}

int firmware_collect(void) {
  if (!collecting && heap_used < begin) {
    /* Blocks are taken from the lowest gaps from now on, which leaves the room above in one piece. */
    if (scattered) heap_gather();
    scattered = 0;
    return 0;
  }
  collecting = lua_gc(L, LUA_GCSTEP, 0) == 0;
  if (!collecting) collected();
  return 1;
}

/* A board that is never idle must collect too, in the same small steps. */
static void collect_if_short(void) {
  if (heap_used > HEAP_CAP_BYTES - HEAP_RESERVE_BYTES) firmware_collect();
}

void firmware_rx(const uint8_t *bytes, size_t size) {
  const uint8_t *header = firmware_link.plain;
  for (size_t used, plain_size; size > 0; bytes += used, size -= used) {
    used = deframe(&firmware_link, &plain_size, bytes, size);
    if (plain_size == 0) continue;
    lua_rawgeti(L, LUA_REGISTRYINDEX, frame);
    lua_pushinteger(L, (lua_Integer)(header[0] & 15u));
    /* Sequence number, acknowledgement, credit, id and tag. */
    for (size_t i = 1; i < 6; i++) lua_pushinteger(L, (lua_Integer)header[i]);
    lua_pushlstring(L, (const char *)header + FRAME_HEADER, plain_size - FRAME_HEADER);
    /* Each frame has its own time: the one before may have written to the store for 100 ms. */
    lua_pushinteger(L, (lua_Integer)(firmware_clock_us(board_ticks_us()) / 1000u));
    if (call(L, 8, 0)) continue;
    failed();
    break;
  }
  collect_if_short();
}

uint32_t firmware_tick(uint64_t now_ms) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, tick);
  lua_pushinteger(L, (lua_Integer)now_ms);
  if (!call(L, 1, 1)) failed();
  lua_Integer wait_ms = lua_tointeger(L, -1);
  lua_settop(L, 0);
  collect_if_short();
  return wait_ms > 0 ? (uint32_t)wait_ms : 1u;
}
