/* What newlib and Lua need of a system, beyond memory (pool.c) and the stubs of libnosys. */
#include <sys/time.h>

#include "board.h"

int _gettimeofday(struct timeval *time, void *zone) {
  (void)zone;
  /* Lua seeds its string hash from the clock: constant, so that every run is the same. */
  time->tv_sec = 0;
  time->tv_usec = 0;
  return 0;
}
void _exit(int status) {
  (void)status;
  board_reset();
}
