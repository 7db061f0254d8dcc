/* I2C masters: transfers that the caller waits for, and a sweep of registers that runs by interrupts. */
#ifndef MLTB_I2C_H
#define MLTB_I2C_H
#include <stddef.h>
#include <stdint.h>

void i2c_init(void);
/* Writes, then reads after a repeated start. 0 done, -1 not acknowledged or timed out. */
int i2c_xfer(unsigned bus, unsigned address, const uint8_t *out, size_t out_size, uint8_t *in, size_t in_size);

/* Transfers that were not acknowledged or given up; times that a held bus was freed, and that it stayed held. */
extern struct i2c_counts {
  uint32_t failed, recovered, stuck;
} i2c_counts;

#define SWEEP_PARTS 8u
#define SWEEP_REGISTERS 3u

/* A finished sweep: two bytes a register, most significant first, part after part; bit n of `missing` is part n. */
struct sweep {
  uint8_t bytes[SWEEP_PARTS * SWEEP_REGISTERS * 2];
  uint32_t tick_us;
  uint32_t missing;
};

/* Reads the 16-bit registers of every part on bus 0 each `period_us`, in the background. 0 when that is too much. */
int sweep_start(uint32_t period_us, const uint8_t *addresses, size_t parts, const uint8_t *registers, size_t count);
/* The latest sweep, once; 0 when there is no new one. Bytes that belong to no register are not set. */
int sweep_take(struct sweep *sweep, size_t *size);
int sweep_ready(void);
/* The bus is free from here on until it is released: the sweep waits between two parts. */
void sweep_hold(void);
void sweep_release(void);
/* A sweep was started; how many have ended, to see progress. */
int sweep_running(void);
extern volatile uint32_t sweep_count;
/* The second register of a part in the last sweep that it answered: the voltage of that channel. */
uint32_t sweep_voltage(unsigned part);

#endif
