/* What slots.c and store.c need of a board, for their build without one: a flash whose erases and programs the host does,
   and a clock that it gives. */
#include "board.h"
#include "flash.h"
#include "hardware.h"

__attribute__((import_module("env"), import_name("host_program"))) void host_program(uint32_t offset, const uint8_t *bytes,
                                                                                    size_t size);
__attribute__((import_module("env"), import_name("host_erase"))) void host_erase(uint32_t offset);
__attribute__((import_module("env"), import_name("host_ticks_us"))) uint32_t host_ticks_us(void);

/* Where the image's own bundle would be; nobody reads it here. */
const char bundle_start[1], bundle_end[1];
const uint8_t bundle_hash[32];

static uint8_t area[FLASH_STORE + 2u * FLASH_SECTOR];
const uint8_t *flash_area(void) { return area; }
size_t flash_area_size(void) { return sizeof area; }
int flash_erase(uint32_t offset) { return host_erase(offset), 1; }
int flash_program(uint32_t offset, const uint8_t *bytes, size_t size) { return host_program(offset, bytes, size), 1; }
uint32_t board_ticks_us(void) { return host_ticks_us(); }
