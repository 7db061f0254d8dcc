/* What the firmware calls: the contract of firmware/runtime/types/hal.d.ts, function by function. */
#include "hal.h"

#include "board.h"
#include "firmware.h"
#include "frame.h"
#include "i2c.h"
#include "lauxlib.h"
#include "link.h"
#include "sampler.h"

static int hal_serial(lua_State *L) {
  lua_pushstring(L, board_serial());
  return 1;
}
static int hal_epoch(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)(starts & 0xffffu));
  return 1;
}
static int hal_reset_cause(lua_State *L) {
  lua_pushinteger(L, firmware_exchanged() ? 4 : (lua_Integer)board_reset_cause());
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
static int hal_crc16(lua_State *L) {
  size_t size;
  const uint8_t *bytes = (const uint8_t *)luaL_checklstring(L, 1, &size);
  uint16_t crc = crc16((uint16_t)luaL_checkinteger(L, 2), bytes, size);
  lua_pushinteger(L, crc);
  return 1;
}
static int hal_link_frame(lua_State *L) {
  static uint8_t bounce[FRAME_WIRE_MAX];
  size_t body_size, bulk_size = 0;
  uint8_t header[FRAME_HEADER];
  for (int i = 0; i < 6; i++) header[i] = (uint8_t)lua_tointeger(L, i + 1);
  header[0] |= (uint8_t)(FRAME_MAJOR << 4);
  const uint8_t *body = (const uint8_t *)luaL_checklstring(L, 7, &body_size);
  const uint8_t *bulk = NULL;
  if (lua_islightuserdata(L, 8)) {
    const struct block *block = (const struct block *)lua_touserdata(L, 8);
    bulk = block->bytes;
    bulk_size = block->size;
  } else if (!lua_isnoneornil(L, 8)) {
    bulk = (const uint8_t *)luaL_checklstring(L, 8, &bulk_size);
  }
  luaL_argcheck(L, sizeof header + body_size + bulk_size + 2 <= FRAME_MAX, 7, "frame too long");
  header[6] = (uint8_t)(body_size + bulk_size);
  header[7] = (uint8_t)((body_size + bulk_size) >> 8);
  uint8_t *wire = link_reserve(FRAME_WIRE_MAX);
  size_t size = frame_seal(wire != NULL ? wire : bounce, header, sizeof header, body, body_size, bulk, bulk_size);
  if (wire != NULL) link_commit(size);
  else link_write(bounce, size);
  lua_pushinteger(L, (lua_Integer)size);
  return 1;
}
/* In the order of enum frame_fault. */
static int hal_link_faults(lua_State *L) {
  const uint32_t *seen = firmware_link.seen;
  uint32_t malformed = 0;
  for (size_t i = FRAME_GOOD + 1; i < FRAME_EMPTY; i++) {
    if (i != FRAME_CRC && i != FRAME_OVERSIZE) malformed += seen[i];
  }
  lua_pushinteger(L, (lua_Integer)seen[FRAME_GOOD]);
  lua_pushinteger(L, (lua_Integer)seen[FRAME_CRC]);
  lua_pushinteger(L, (lua_Integer)malformed);
  lua_pushinteger(L, (lua_Integer)seen[FRAME_OVERSIZE]);
  lua_pushinteger(L, (lua_Integer)firmware_link.skipped_bytes);
  return 5;
}
static int hal_heap_bytes(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)heap_used);
  return 1;
}

#define ENTRY(name) {#name, hal_##name}
static const luaL_Reg hal[] = {
    ENTRY(serial), ENTRY(epoch), ENTRY(reset_cause), ENTRY(restart), ENTRY(ticks_us), ENTRY(heap_bytes),
    ENTRY(link_write), ENTRY(link_room), ENTRY(link_frame), ENTRY(link_faults), ENTRY(crc16), ENTRY(gpio_mode),
    ENTRY(gpio_write), ENTRY(gpio_read), ENTRY(i2c_xfer), ENTRY(delay_us),
    {NULL, NULL},
};

void hal_push(lua_State *L) {
  luaL_newlib(L, hal);
  for (const luaL_Reg *const *table = hal_tables; *table != NULL; table++) luaL_setfuncs(L, *table, 0);
}
