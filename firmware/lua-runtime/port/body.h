/* Message bodies: a table of fields to bytes and back. */
#ifndef MLTB_BODY_H
#define MLTB_BODY_H
#include "lua.h"

/* (line of the message table, fields) -> bytes */
int body_pack(lua_State *L);
/* (line, bytes) -> fields, or nil where the bytes are damaged */
int body_unpack(lua_State *L);

#endif
