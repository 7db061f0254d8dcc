/* Lua's view of the board. */
#ifndef MLTB_HAL_H
#define MLTB_HAL_H
#include <stddef.h>
#include <stdint.h>

#include "frame.h"
#include "lauxlib.h"
#include "lua.h"

/* Pushes the table of functions that `boot` gets. */
void hal_push(lua_State *L);
/* What this board has beside the functions of every board: tables that end with an empty entry, the last is NULL. */
extern const luaL_Reg *const hal_tables[];
extern const luaL_Reg hal_sampling[], hal_flash[];
/* Bytes that Lua has allocated. */
extern size_t heap_used;
/* Another number at every start of the controller. */
extern uint32_t starts;
/* The receiving end of the link, for its counters. */
extern struct deframer firmware_link;

#endif
