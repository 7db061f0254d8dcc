/* Counts instructions of the firmware on QEMU's mps2-an385 (Cortex-M3): with -icount shift=0 an instruction is a virtual
   nanosecond, and the machine's 25 MHz timer counts one for 40 of them. Everything around the bundle is a stand-in that
   costs next to nothing; the HAL's bindings, the codec and Lua are those of the product. */
#include <string.h>

#include "board.h"
#include "firmware.h"
#include "flash.h"
#include "frame.h"
#include "gauge-load.h"
#include "hal.h"
#include "hardware.h"
#include "i2c.h"
#include "link.h"
#include "sampler.h"
#include "trip.h"
#include "wave.h"

#define REG(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define TIMER_CTRL 0x40000000u
#define TIMER_VALUE 0x40000004u
#define TIMER_RELOAD 0x40000008u
#define INSTRUCTIONS_PER_TICK 40u

/* Kinds and ids of protocol/src. */
enum { CONTROL = 0, REQUEST = 1, RESPONSE = 2, EVENT = 3, STREAM = 5, ACK = 6 };
enum { HELLO = 0x01, PING = 0x05, BARE_ACK = 0x07, REFUSED = 0x09, ECHO = 0x0b, STREAM_OPEN = 0x28 };

extern uint32_t __data_load, __data_start, __data_end, __bss_start, __bss_end, __stack_top;
void reset_handler(void);
int main(void);

/* ---- semihosting: text out, and the end ---- */
static void semihost(uint32_t operation, const void *argument) {
  register uint32_t r0 __asm("r0") = operation;
  register const void *r1 __asm("r1") = argument;
  __asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}
void debug_line(const char *text) {
  semihost(4, text);
  semihost(4, "\n");
}
_Noreturn static void finish(int good) {
  semihost(0x18, (const void *)(uintptr_t)(good ? 0x20026u : 0x20023u));
  for (;;) {
  }
}
_Noreturn void board_reset(void) {
  finish(0);
  for (;;) {
  }
}
static void fault_handler(void) { board_reset(); }

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    &__stack_top, reset_handler, fault_handler, fault_handler, fault_handler, fault_handler, fault_handler,
};
void reset_handler(void) {
  uint32_t *from = &__data_load;
  for (uint32_t *to = &__data_start; to < &__data_end;) *to++ = *from++;
  for (uint32_t *to = &__bss_start; to < &__bss_end;) *to++ = 0;
  main();
  board_reset();
}

/* ---- the board as the HAL sees it ---- */
static uint32_t now_ms;
const char *board_serial(void) { return "GAUGE"; }
uint32_t board_ticks_us(void) { return now_ms * 1000u; }
void board_delay_us(uint32_t us) { (void)us; }
unsigned board_reset_cause(void) { return 0; }
void gpio_mode(unsigned pin, unsigned mode) { (void)pin, (void)mode; }
void gpio_write(unsigned pin, unsigned level) { (void)pin, (void)level; }
unsigned gpio_read(unsigned pin) {
  (void)pin;
  return 1;
}
void edges_start(uint32_t mask) { (void)mask; }
int edges_take(struct edge *edge) {
  (void)edge;
  return 0;
}
uint32_t edges_lost(void) { return 0; }

volatile uint32_t link_overruns, link_foreign, link_stuck, sampler_crc_errors, sampler_overruns, trips_lost;
struct i2c_counts i2c_counts;

/* Switches that are closed, and those that have ever been. */
static uint8_t closed, ever_closed;
void chain_write(const uint8_t *bytes) {
  closed = bytes[CHAIN_BYTES - 1 - CHAIN_SWITCHES / 8u];
  ever_closed |= closed;
}
void trip_limit(unsigned channel, int16_t code, uint32_t for_us) { (void)channel, (void)code, (void)for_us; }
static uint32_t trips;
static int tripping;
/* The sampler's compare has opened the first switch that is closed. */
int trip_take(struct trip *trip) {
  if (!tripping || closed == 0) return 0;
  tripping = 0;
  trips++;
  *trip = (struct trip){(uint8_t)__builtin_ctz(closed), INT16_MAX, board_ticks_us()};
  return 1;
}

/* Registers of the parts as they were written, two bytes each. */
static uint8_t kept[128][16][2];
int i2c_xfer(unsigned bus, unsigned address, const uint8_t *out, size_t out_size, uint8_t *in, size_t in_size) {
  uint8_t *value = kept[address & 127u][out_size > 0 ? out[0] & 15u : 0];
  if (out_size == 3) memcpy(value, out + 1, 2);
  /* Gates that follow their switches; port of the display's expander: E is low. */
  if (in_size == 1) in[0] = bus == PANEL_BUS && address == READBACK_ADDRESS ? closed : 0;
  /* Manufacturer's number of the monitors. */
  if (in_size == 2) memcpy(in, out_size == 1 && out[0] == 0xfe ? (const uint8_t *)"\x54\x49" : value, 2);
  return 0;
}
static size_t parts, registers;
static uint32_t swept_ms;
int sweep_start(uint32_t period_us, const uint8_t *addresses, size_t count, const uint8_t *list, size_t list_size) {
  (void)period_us, (void)addresses, (void)list;
  parts = count;
  registers = list_size;
  return 1;
}
int sweep_take(struct sweep *sweep, size_t *size) {
  if (parts == 0 || now_ms - swept_ms < 10) return 0;
  swept_ms = now_ms;
  *size = parts * registers * 2;
  for (size_t part = 0; part < parts; part++) {
    /* 0.2 A and 5 V where the switch is closed. */
    int on = (closed >> part) & 1;
    memcpy(sweep->bytes + part * registers * 2, on ? "\x06\x40\x0f\xa0" : "\0\0\0\0", 4);
  }
  sweep->missing = 0;
  sweep->tick_us = board_ticks_us();
  return 1;
}

/* The flash is RAM that is erased at the start. */
#define FLASH_RAM ((uint8_t *)(uintptr_t)0x21000000u)
const uint8_t *flash_area(void) { return FLASH_RAM; }
int flash_erase(uint32_t offset) {
  memset(FLASH_RAM + offset, 0xff, FLASH_SECTOR);
  return 1;
}
int flash_program(uint32_t offset, const uint8_t *bytes, size_t size) {
  for (size_t i = 0; i < size; i++) FLASH_RAM[offset + i] &= bytes[i];
  return 1;
}

const luaL_Reg *const hal_tables[] = {hal_sampling, hal_flash, NULL};
void board_exchanged(void) {}
void board_feed(void) {}

static _Alignas(4) uint8_t rows[1600];
static uint32_t first, blocks;
static int sampling;
int sampler_start(uint32_t period_us, uint32_t count) {
  (void)period_us, (void)count;
  for (size_t i = 0; i < sizeof rows; i++) rows[i] = (uint8_t)(i * 7u + (i >> 5));
  return sampling = 1;
}
void sampler_stop(void) { sampling = 0; }
void sampler_keep(int on) { (void)on; }
void sampler_energy(int64_t *into) { memset(into, 0, sizeof *into * CHANNELS); }
/* So wide that no two currents disagree. */
int sampler_range(int16_t *into) {
  for (size_t i = 0; i < CHANNELS; i++) into[2 * i] = INT16_MIN, into[2 * i + 1] = INT16_MAX;
  return 1;
}
int sampler_running(void) { return sampling; }
void sampler_release(void) {}
int sampler_take(struct block *block) {
  if (!sampling || blocks == 0) return 0;
  blocks--;
  *block = (struct block){rows, sizeof rows, first, board_ticks_us(), 0};
  first += sizeof rows / (2 * CHANNELS);
  return 1;
}

/* ---- the host's end of the link ---- */
static uint8_t sent[4 * FRAME_WIRE_MAX], expected, sequence, tag;
static size_t used;
static uint32_t responses, refusals, streamed, sequence_all;
static int owed;
static void heard(const uint8_t *wire, size_t size) {
  static uint8_t plain[FRAME_MAX];
  size_t length;
  if (frame_unseal(plain, &length, wire, size - 1) != FRAME_GOOD) return;
  unsigned kind = plain[0] & 15u;
  if (kind == RESPONSE) responses++;
  if (kind == RESPONSE && plain[4] == REFUSED) refusals++;
  if (kind == STREAM) streamed++;
  if (kind != RESPONSE && kind != EVENT) return;
  expected = (uint8_t)(plain[1] + 1u);
  owed = 1;
}
size_t link_room(void) { return 8192; }
/* What was sent is read outside of what is measured. */
uint8_t *link_reserve(size_t size) { return used + size <= sizeof sent ? sent + used : NULL; }
void link_commit(size_t size) { used += size; }
void link_write(const uint8_t *bytes, size_t size) {
  memcpy(sent + used, bytes, size);
  used += size;
}
static void hear(void) {
  for (size_t at = 0, begin = 0; at < used; at++) {
    if (sent[at] != 0) continue;
    heard(sent + begin, at + 1 - begin);
    begin = at + 1;
  }
  used = 0;
}

static uint32_t timer(void) { return ~REG(TIMER_VALUE); }
static uint32_t worst, received;
/* One turn of the main loop; what the reception alone took is in `received`. */
static uint32_t step(const uint8_t *bytes, size_t size) {
  uint32_t start = timer();
  if (size > 0) firmware_rx(bytes, size);
  uint32_t middle = timer();
  firmware_tick(now_ms);
  uint32_t end = timer();
  received = middle - start;
  if (middle - start > worst) worst = middle - start;
  if (end - middle > worst) worst = end - middle;
  hear();
  return end - start;
}

static uint32_t send(unsigned kind, unsigned id, const void *body, size_t size) {
  static uint8_t wire[FRAME_WIRE_MAX];
  uint8_t header[FRAME_HEADER] = {(uint8_t)(16u | kind), 0, expected, 4, (uint8_t)id, ++tag, (uint8_t)size, 0};
  if (kind == REQUEST) {
    header[1] = sequence++;
    sequence_all++;
  }
  return step(wire, frame_seal(wire, header, sizeof header, body, size, NULL, 0));
}

/* A step of the collector, which runs where nothing is due. */
static int collect(void) {
  uint32_t start = timer();
  int more = firmware_collect();
  if (timer() - start > worst) worst = timer() - start;
  return more;
}

static void idle(uint32_t ms) {
  while (ms-- > 0) {
    now_ms++;
    for (uint32_t n = 0; sampling && n < CONVERTER_RATE_HZ / 1000u; n++) wave_row((const uint16_t *)(const void *)rows, board_ticks_us());
    step(NULL, 0);
    while (collect()) {
    }
    if (owed) {
      owed = 0;
      send(ACK, BARE_ACK, "", 0);
    }
    /* The session ends where its host is silent. */
    if (now_ms % 200u == 0) send(CONTROL, PING, "\1\0", 2);
  }
}

static void report(const char *name, uint32_t ticks, uint32_t count) {
  char line[48] = "gauge ";
  char digits[12];
  size_t at = strlen(strcat(line, name)), n = 0;
  uint32_t value = ticks / count * INSTRUCTIONS_PER_TICK + ticks % count * INSTRUCTIONS_PER_TICK / count;
  do {
    digits[n++] = (char)('0' + value % 10u);
    value /= 10u;
  } while (value > 0);
  line[at++] = ' ';
  while (n > 0) line[at++] = digits[--n];
  line[at] = 0;
  debug_line(line);
}

/* The next request of a load; 0 at its end. */
static int ask(const uint8_t **load, const uint8_t *end) {
  if (*load >= end) return 0;
  const uint8_t *request = *load;
  *load += 2u + request[1];
  send(REQUEST, request[0], request + 2, request[1]);
  return 1;
}

#define REPEATS 200u
int main(void) {
  REG(TIMER_RELOAD) = 0xffffffffu;
  REG(TIMER_CTRL) = 1;
  memset(FLASH_RAM, 0xff, FLASH_AREA_BYTES);
  frame_init();
  firmware_start();
  uint8_t hello[] = {1, 1, 7, 0, 0, 0, 5, 'g', 'a', 'u', 'g', 'e'};
  send(CONTROL, HELLO, hello, sizeof hello);
  idle(2000);
  uint8_t text[64];
  for (size_t i = 0; i < sizeof text; i++) text[i] = (uint8_t)(i + 1u);
  worst = 0;
  uint32_t ping = 0, echo = 0, block = 0, turn = 0;
  for (unsigned n = 0; n < REPEATS; n++) {
    /* A pong leaves while the ping is received. */
    send(CONTROL, PING, "\1\0", 2);
    ping += received;
    idle(1);
    turn += step(NULL, 0);
  }
  for (unsigned n = 0; n < REPEATS; n++) {
    echo += send(REQUEST, ECHO, text, sizeof text);
    idle(7);
  }
  for (const uint8_t *load = quiet_load; ask(&load, quiet_load + sizeof quiet_load);) idle(5);
  idle(2000);
  /* Samples at 50 us, a minute to live. */
  uint8_t stream[] = {1, 0x60, 0xea, 50, 0, 0, 0};
  send(REQUEST, STREAM_OPEN, stream, sizeof stream);
  idle(20);
  for (unsigned n = 0; n < REPEATS; n++) {
    blocks = 1;
    block += step(NULL, 0);
    idle(5);
  }
  /* Everything at once: power, echoes, blocks and one of everything that can be asked, with a trip now and then and the
     collector in between. */
  uint32_t mixed = 0;
  for (const uint8_t *load = mixed_load; ask(&load, mixed_load + sizeof mixed_load); mixed++) {
    tripping |= mixed % 128u == 64u;
    blocks = 1;
    idle(5);
  }
  idle(1000);
  report("ping", ping, REPEATS);
  report("turn", turn, REPEATS);
  report("echo64", echo - turn, REPEATS);
  report("block100x8", block - turn, REPEATS);
  report("responses", responses * 1000u / INSTRUCTIONS_PER_TICK, 1000);
  report("requests", sequence_all * 1000u / INSTRUCTIONS_PER_TICK, 1000);
  report("streamed", streamed * 1000u / INSTRUCTIONS_PER_TICK, 1000);
  report("refusals", refusals * 1000u / INSTRUCTIONS_PER_TICK, 1000);
  report("trips", trips * 1000u / INSTRUCTIONS_PER_TICK, 1000);
  report("worst_dispatch", worst, 1);
  /* Every request was answered, most of them with more than a refusal, every block sent and every switch closed, or the counts
     are of something else. */
  finish(responses == sequence_all && refusals * 10u <= responses && streamed == REPEATS + mixed && ever_closed == 255u && trips > 5u);
}
