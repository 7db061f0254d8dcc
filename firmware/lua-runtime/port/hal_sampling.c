/* The HAL of boards with output chain, sweep, marker edges, fast sampler and trips, and bodies of messages in C. */
#include "board.h"
#include "body.h"
#include "hal.h"
#include "hardware.h"
#include "i2c.h"
#include "lauxlib.h"
#include "link.h"
#include "sampler.h"
#include "trip.h"

static int hal_chain_write(lua_State *L) {
  size_t size;
  const char *bytes = luaL_checklstring(L, 1, &size);
  luaL_argcheck(L, size == CHAIN_BYTES, 1, "not the length of the chain");
  chain_write((const uint8_t *)bytes);
  return 0;
}
static int hal_trip_limit(lua_State *L) {
  lua_Integer channel = luaL_checkinteger(L, 1), code = luaL_checkinteger(L, 2);
  luaL_argcheck(L, channel >= 0 && channel < (lua_Integer)CHANNELS, 1, "no such channel");
  uint32_t for_ms = (uint32_t)luaL_optinteger(L, 3, 0);
  trip_limit((unsigned)channel, (int16_t)(code > INT16_MAX ? INT16_MAX : code), for_ms * 1000u);
  return 0;
}
static int hal_trip_take(lua_State *L) {
  struct trip trip;
  if (!trip_take(&trip)) return 0;
  lua_pushinteger(L, trip.channel == TRIP_ALERT ? -1 : trip.channel);
  lua_pushinteger(L, (lua_Integer)trip.tick_us);
  lua_pushinteger(L, trip.code);
  return 3;
}
static int hal_sampler_keep(lua_State *L) {
  sampler_keep(lua_toboolean(L, 1));
  return 0;
}
static int hal_sampler_energy(lua_State *L) {
  int64_t sums[CHANNELS];
  sampler_energy(sums);
  lua_pushlstring(L, (const char *)sums, sizeof sums);
  return 1;
}
static int hal_sampler_range(lua_State *L) {
  int16_t codes[2 * CHANNELS];
  if (!sampler_range(codes)) return 0;
  lua_pushlstring(L, (const char *)codes, sizeof codes);
  return 1;
}
static int hal_sweep_start(lua_State *L) {
  size_t parts, count;
  const uint8_t *addresses = (const uint8_t *)luaL_checklstring(L, 2, &parts);
  const uint8_t *registers = (const uint8_t *)luaL_checklstring(L, 3, &count);
  lua_pushboolean(L, sweep_start((uint32_t)luaL_checkinteger(L, 1), addresses, parts, registers, count));
  return 1;
}
static int hal_sweep_take(lua_State *L) {
  struct sweep sweep;
  size_t size;
  if (!sweep_take(&sweep, &size)) return 0;
  lua_pushlstring(L, (const char *)sweep.bytes, size);
  lua_pushinteger(L, (lua_Integer)sweep.tick_us);
  lua_pushinteger(L, (lua_Integer)sweep.missing);
  return 3;
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

static int hal_counters(lua_State *L) {
  const uint32_t values[] = {link_overruns, link_foreign, link_stuck, sampler_crc_errors, sampler_overruns,
                             trips_lost, edges_lost(), i2c_counts.failed, i2c_counts.recovered, i2c_counts.stuck};
  const int count = (int)(sizeof values / sizeof values[0]);
  for (int i = 0; i < count; i++) lua_pushinteger(L, (lua_Integer)values[i]);
  return count;
}

#define ENTRY(name) {#name, hal_##name}
const luaL_Reg hal_sampling[] = {
    ENTRY(chain_write), ENTRY(sweep_start), ENTRY(sweep_take), ENTRY(edges_start), ENTRY(edge_take),
    ENTRY(counters), ENTRY(sampler_start), ENTRY(sampler_stop), ENTRY(sampler_take), ENTRY(sampler_keep),
    ENTRY(sampler_energy), ENTRY(sampler_range), ENTRY(trip_limit), ENTRY(trip_take),
    {"body_pack", body_pack}, {"body_unpack", body_unpack},
    {NULL, NULL},
};
