/* Serial flash behind the image: erased and programmed by code in RAM, with the safety loop beside it. */
#ifndef MLTB_FLASH_H
#define MLTB_FLASH_H
#include <stddef.h>
#include <stdint.h>

/* Where the area that firmware may write is read. */
const uint8_t *flash_area(void);
/* Erases the sector at this offset of the area; programs bytes, of which ones become zeros. 0 where that lies outside. */
int flash_erase(uint32_t offset);
int flash_program(uint32_t offset, const uint8_t *bytes, size_t size);
/* The chip's own number, eight bytes. */
void flash_unique_id(uint8_t *id);

#endif
