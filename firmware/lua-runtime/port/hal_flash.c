/* Flash area, bundles, store and waveform: the part of the contract that only the product has. */
#include "firmware.h"
#include "flash.h"
#include "hal.h"
#include "hardware.h"
#include "lauxlib.h"
#include "sha256.h"
#include "slots.h"
#include "store.h"
#include "wave.h"

static int hal_flash_erase(lua_State *L) {
  luaL_argcheck(L, flash_erase((uint32_t)luaL_checkinteger(L, 1)), 1, "no sector of the area");
  return 0;
}
static int hal_flash_program(lua_State *L) {
  size_t size;
  const uint8_t *bytes = (const uint8_t *)luaL_checklstring(L, 2, &size);
  luaL_argcheck(L, flash_program((uint32_t)luaL_checkinteger(L, 1), bytes, size), 1, "outside of the area");
  return 0;
}
static int hal_bundle_running(lua_State *L) {
  int32_t left_ms;
  lua_pushinteger(L, (lua_Integer)slots_running(&left_ms));
  lua_pushinteger(L, left_ms);
  /* Formats of protocol/src/messages/transfer.ts. */
  lua_pushinteger(L, sizeof(lua_Integer) == 8 ? 2 : 3);
  return 3;
}
static int hal_bundle_hash(lua_State *L) {
  lua_pushlstring(L, (const char *)slots_hash(), SHA256_BYTES);
  return 1;
}
static int hal_bundle_gave_way(lua_State *L) {
  lua_pushstring(L, firmware_gave_way());
  return 1;
}
static int hal_bundle_confirm(lua_State *L) {
  (void)L;
  slots_confirm();
  return 0;
}
static int hal_bundle_restart(lua_State *L) {
  (void)L;
  firmware_restart();
  return 0;
}

static int hal_bundle_finish(lua_State *L) {
  size_t size;
  const char *hash = luaL_checklstring(L, 3, &size);
  luaL_argcheck(L, size == SHA256_BYTES, 3, "not a SHA-256");
  unsigned slot = (unsigned)luaL_checkinteger(L, 1);
  lua_pushboolean(L, slots_finish(slot, (uint32_t)luaL_checkinteger(L, 2), (const uint8_t *)hash));
  return 1;
}
static int hal_store_get(lua_State *L) {
  size_t key_size, size;
  const char *key = luaL_checklstring(L, 1, &key_size);
  const char *value = (const char *)store_get((const uint8_t *)key, key_size, &size);
  lua_pushlstring(L, value, size);
  return 1;
}
static int hal_store_set(lua_State *L) {
  size_t key_size, size;
  const char *key = luaL_checklstring(L, 1, &key_size), *value = luaL_checklstring(L, 2, &size);
  lua_pushboolean(L, store_set((const uint8_t *)key, key_size, (const uint8_t *)value, size));
  return 1;
}

static int hal_wave_keep(lua_State *L) {
  lua_Integer channel = luaL_checkinteger(L, 1);
  luaL_argcheck(L, channel >= 0 && channel < (lua_Integer)CHANNELS, 1, "no such channel");
  lua_pushboolean(L, wave_keep((unsigned)channel));
  return 1;
}
static int hal_wave_get(lua_State *L) {
  struct wave wave;
  if (!wave_get((unsigned)luaL_checkinteger(L, 1), &wave)) return 0;
  lua_pushinteger(L, (lua_Integer)wave.channel);
  lua_pushinteger(L, (lua_Integer)wave.rows);
  lua_pushinteger(L, (lua_Integer)wave.left);
  lua_pushinteger(L, (lua_Integer)wave.period_us);
  lua_pushinteger(L, (lua_Integer)wave.tick_us);
  return 5;
}
static int hal_wave_read(lua_State *L) {
  struct wave wave;
  unsigned back = (unsigned)luaL_checkinteger(L, 1);
  lua_Integer first = luaL_checkinteger(L, 2), count = luaL_checkinteger(L, 3);
  if (!wave_get(back, &wave) || first < 0 || first >= (lua_Integer)wave.rows || count < 0) count = 0;
  else if (count > (lua_Integer)wave.rows - first) count = (lua_Integer)wave.rows - first;
  luaL_Buffer rows;
  char *to = luaL_buffinitsize(L, &rows, (size_t)count * 2u);
  for (lua_Integer i = 0; i < count; i++) {
    uint16_t code = (uint16_t)wave_code(back, (uint32_t)(first + i));
    to[2 * i] = (char)code;
    to[2 * i + 1] = (char)(code >> 8);
  }
  luaL_pushresultsize(&rows, (size_t)count * 2u);
  return 1;
}

#define ENTRY(name) {#name, hal_##name}
const luaL_Reg hal_flash[] = {
    ENTRY(flash_erase), ENTRY(flash_program), ENTRY(bundle_running), ENTRY(bundle_hash), ENTRY(bundle_finish), ENTRY(bundle_gave_way),
    ENTRY(bundle_confirm), ENTRY(bundle_restart), ENTRY(store_get), ENTRY(store_set),
    ENTRY(wave_keep), ENTRY(wave_get), ENTRY(wave_read),
    {NULL, NULL},
};
