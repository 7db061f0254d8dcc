/* The main loop: Lua runs for bytes, a due timer, a full block, a finished sweep or a trip, and for nothing else. */
#include "board.h"
#include "firmware.h"
#include "frame.h"
#include "link.h"
#include "safety.h"

#define CHUNK 512u

int main(void) {
  board_init();
  frame_init();
  link_init();
  firmware_start();
  safety_start();

  uint8_t chunk[CHUNK];
  uint64_t due_us = 0;
  for (;;) {
    size_t size = link_read(chunk, sizeof chunk);
    if (size > 0) firmware_rx(chunk, size);
    uint32_t ticks = board_ticks_us();
    uint64_t now_us = firmware_clock_us(ticks);
    if (size == 0 && now_us < due_us && !board_work()) {
      if (firmware_collect()) continue;
      board_idle(ticks + (uint32_t)(due_us - now_us));
      continue;
    }
    uint64_t now_ms = now_us / 1000u;
    due_us = (now_ms + firmware_tick(now_ms)) * 1000u;
    safety_ticked();
    if (firmware_serve_restart()) {
      safety_start();
      due_us = 0;
    }
  }
}
