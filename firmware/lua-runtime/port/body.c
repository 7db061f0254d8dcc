/* Bodies of messages by the lines of the message table. Twin of protocol/src/schema/codec.ts, whose rules these are; the
   same vectors go through both. */
#include "body.h"

#include <stdint.h>
#include <string.h>

#include "lauxlib.h"

#define TEXT_MAX 255u
enum { LINE = 1, BODY };

/* A field of a line, `name:kind`. */
struct field {
  const char *name, *kind;
  size_t size;
};

/* Bytes of a number of this kind: u8, u16, i16, u32 or i32. */
static size_t width_of(const char *kind) { return kind[1] == '8' ? 1 : kind[1] == '1' ? 2 : 4; }

/* Behind the next space. */
static const char *word(const char *at) {
  while (*at != ' ') at++;
  return at + 1;
}

/* Where the fields of a line begin: behind id, class and sender. */
static const char *fields_of(lua_State *L) { return word(word(word(luaL_checkstring(L, LINE)))); }

/* The next field, and where the one behind it begins; NULL where there is none: fields end with `--`. */
static const char *next(const char *at, struct field *field) {
  if (*at == '-') return NULL;
  field->name = at;
  while (*at != ':') at++;
  field->size = (size_t)(at - field->name);
  field->kind = at + 1;
  return word(at);
}

/* Puts the value of a field onto the stack. */
static int value_of(lua_State *L, const struct field *field) {
  lua_pushlstring(L, field->name, field->size);
  return lua_rawget(L, BODY);
}

int body_pack(lua_State *L) {
  luaL_checktype(L, BODY, LUA_TTABLE);
  luaL_Buffer bytes;
  struct field field;
  const char *at = fields_of(L), *behind = next(at, &field);
  if (behind != NULL && field.kind[0] == 'r' && value_of(L, &field) == LUA_TSTRING) return 1;
  lua_settop(L, BODY);
  luaL_buffinit(L, &bytes);
  while ((at = next(at, &field)) != NULL) {
    if (field.kind[0] == 'r') {
      if (value_of(L, &field) != LUA_TNIL) luaL_addvalue(&bytes);
      else lua_pop(L, 1);
      continue;
    }
    uint8_t *to = (uint8_t *)luaL_prepbuffsize(&bytes, 1 + TEXT_MAX);
    int type = value_of(L, &field);
    if (field.kind[0] == 't') {
      size_t size = 0;
      const char *text = type == LUA_TNIL ? "" : luaL_checklstring(L, -1, &size);
      if (size > TEXT_MAX) size = TEXT_MAX;
      to[0] = (uint8_t)size;
      memcpy(to + 1, text, size);
      luaL_addsize(&bytes, 1 + size);
    } else {
      lua_Integer value = type == LUA_TNIL ? 0 : luaL_checkinteger(L, -1);
      size_t width = width_of(field.kind);
      for (size_t i = 0; i < width; i++) to[i] = (uint8_t)(value >> (8 * i));
      luaL_addsize(&bytes, width);
    }
    lua_pop(L, 1);
  }
  luaL_pushresult(&bytes);
  return 1;
}

int body_unpack(lua_State *L) {
  size_t left, width;
  const uint8_t *bytes = (const uint8_t *)luaL_checklstring(L, BODY, &left);
  const char *first = fields_of(L);
  struct field field;
  int count = 0;
  for (const char *at = first; (at = next(at, &field)) != NULL;) count++;
  lua_createtable(L, 0, count);
  for (const char *at = first; (at = next(at, &field)) != NULL; bytes += width, left -= width) {
    lua_pushlstring(L, field.name, field.size);
    width = left;
    if (field.kind[0] == 'r') {
      if (field.name == first) lua_pushvalue(L, BODY);
      else lua_pushlstring(L, (const char *)bytes, left);
    } else if (field.kind[0] == 't') {
      if (left > 0) width = 1u + bytes[0];
      if (width > left) return 0;
      lua_pushlstring(L, (const char *)bytes + (left > 0), left > 0 ? width - 1 : 0);
    } else {
      uint32_t value = 0;
      if (left > 0) width = width_of(field.kind);
      if (width > left) return 0;
      for (size_t i = 0; i < width; i++) value |= (uint32_t)bytes[i] << (8 * i);
      lua_Integer number = field.kind[0] == 'u' ? (lua_Integer)value : (lua_Integer)(int32_t)value;
      lua_pushinteger(L, field.kind[0] == 'i' && width == 2 ? (lua_Integer)(int16_t)value : number);
    }
    lua_rawset(L, -3);
  }
  return 1;
}
