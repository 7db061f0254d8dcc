/* Bodies of messages by the lines of the message table. Twin of protocol/src/schema/codec.ts, whose rules these are; the
   same vectors go through both. */
#include "body.h"

#include <stdint.h>
#include <string.h>

#include "lauxlib.h"

#define TEXT_MAX 255u
enum { NAMES = 1, KINDS, BODY };

/* Bytes of a number of this kind: u8, u16, i16, u32 or i32. */
static size_t width_of(const char *kind) { return kind[1] == '8' ? 1 : kind[1] == '1' ? 2 : 4; }

/* The kind of a field (from 0), or NULL past the last one. */
static const char *kind_of(lua_State *L, lua_Integer field) {
  lua_rawgeti(L, KINDS, field + 1);
  const char *kind = lua_tostring(L, -1);
  lua_pop(L, 1);
  return kind;
}

/* Puts the value of a field onto the stack. */
static int value_of(lua_State *L, lua_Integer field) {
  lua_rawgeti(L, NAMES, field + 1);
  return lua_rawget(L, BODY);
}

int body_pack(lua_State *L) {
  luaL_checktype(L, BODY, LUA_TTABLE);
  luaL_Buffer bytes;
  const char *kind = kind_of(L, 0);
  if (kind != NULL && kind[0] == 'r' && value_of(L, 0) == LUA_TSTRING) return 1;
  lua_settop(L, BODY);
  luaL_buffinit(L, &bytes);
  for (lua_Integer field = 0; (kind = kind_of(L, field)) != NULL; field++) {
    if (kind[0] == 'r') {
      if (value_of(L, field) != LUA_TNIL) luaL_addvalue(&bytes);
      else lua_pop(L, 1);
      continue;
    }
    uint8_t *at = (uint8_t *)luaL_prepbuffsize(&bytes, 1 + TEXT_MAX);
    int type = value_of(L, field);
    if (kind[0] == 't') {
      size_t size = 0;
      const char *text = type == LUA_TNIL ? "" : luaL_checklstring(L, -1, &size);
      if (size > TEXT_MAX) size = TEXT_MAX;
      at[0] = (uint8_t)size;
      memcpy(at + 1, text, size);
      luaL_addsize(&bytes, 1 + size);
    } else {
      lua_Integer value = type == LUA_TNIL ? 0 : luaL_checkinteger(L, -1);
      size_t width = width_of(kind);
      for (size_t i = 0; i < width; i++) at[i] = (uint8_t)(value >> (8 * i));
      luaL_addsize(&bytes, width);
    }
    lua_pop(L, 1);
  }
  luaL_pushresult(&bytes);
  return 1;
}

int body_unpack(lua_State *L) {
  size_t left, width;
  const uint8_t *at = (const uint8_t *)luaL_checklstring(L, BODY, &left);
  lua_createtable(L, 0, (int)lua_rawlen(L, NAMES));
  const char *kind;
  for (lua_Integer field = 0; (kind = kind_of(L, field)) != NULL; field++, at += width, left -= width) {
    lua_rawgeti(L, NAMES, field + 1);
    width = left;
    if (kind[0] == 'r') {
      if (field == 0) lua_pushvalue(L, BODY);
      else lua_pushlstring(L, (const char *)at, left);
    } else if (kind[0] == 't') {
      if (left > 0) width = 1u + at[0];
      if (width > left) return 0;
      lua_pushlstring(L, (const char *)at + (left > 0), left > 0 ? width - 1 : 0);
    } else {
      uint32_t value = 0;
      if (left > 0) width = width_of(kind);
      if (width > left) return 0;
      for (size_t i = 0; i < width; i++) value |= (uint32_t)at[i] << (8 * i);
      lua_Integer number = kind[0] == 'u' ? (lua_Integer)value : (lua_Integer)(int32_t)value;
      lua_pushinteger(L, kind[0] == 'i' && width == 2 ? (lua_Integer)(int16_t)value : number);
    }
    lua_rawset(L, -3);
  }
  return 1;
}
