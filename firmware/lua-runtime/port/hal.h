/* Lua's view of the board. */
#ifndef MLTB_HAL_H
#define MLTB_HAL_H
#include <stddef.h>
#include <stdint.h>

#include "lauxlib.h"
#include "lua.h"

/* Pushes the table of functions that `boot` gets. */
void hal_push(lua_State *L);
/* What this board has beside the functions of every board; ends with an empty entry. */
extern const luaL_Reg hal_more[];
/* Bytes that Lua has allocated. */
extern size_t heap_used;
/* Another number at every start of the controller. */
extern uint32_t starts;

#endif
