/* CRC-16 of the wire and of the converter: polynomial 0x1021, initial value 0xFFFF, not reflected. */
#include "board.h"

uint16_t crc16(uint16_t crc, const uint8_t *bytes, size_t size) {
  for (size_t i = 0; i < size; i++) {
    crc = (uint16_t)((crc >> 8) | (crc << 8));
    crc ^= bytes[i];
    crc ^= (uint16_t)((crc & 0xffu) >> 4);
    crc ^= (uint16_t)(crc << 12);
    crc ^= (uint16_t)((crc & 0xffu) << 5);
  }
  return crc;
}
