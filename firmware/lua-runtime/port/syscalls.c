/* What newlib needs of a system: a heap between the end of .bss and the stack, and nothing else. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/times.h>

#include "board.h"

extern char __heap_start, __heap_end;

void *_sbrk(ptrdiff_t increment) {
  static char *end = &__heap_start;
  if (end + increment > &__heap_end) {
    errno = ENOMEM;
    return (void *)-1;
  }
  char *before = end;
  end += increment;
  return before;
}

int _write(int file, const char *bytes, int size) {
  (void)file;
  (void)bytes;
  return size;
}
int _read(int file, char *into, int size) {
  (void)file;
  (void)into;
  (void)size;
  return 0;
}
int _open(const char *name, int flags, int mode) {
  (void)name;
  (void)flags;
  (void)mode;
  errno = ENOENT;
  return -1;
}
int _close(int file) {
  (void)file;
  return -1;
}
int _lseek(int file, int offset, int whence) {
  (void)file;
  (void)offset;
  (void)whence;
  return 0;
}
int _fstat(int file, struct stat *status) {
  (void)file;
  status->st_mode = S_IFCHR;
  return 0;
}
int _isatty(int file) {
  (void)file;
  return 1;
}
int _getpid(void) { return 1; }
int _kill(int pid, int signal) {
  (void)pid;
  (void)signal;
  errno = EINVAL;
  return -1;
}
int _gettimeofday(struct timeval *time, void *zone) {
  (void)zone;
  /* Lua seeds its string hash from the clock: constant, so that every run is the same. */
  time->tv_sec = 0;
  time->tv_usec = 0;
  return 0;
}
clock_t _times(struct tms *times) {
  (void)times;
  return (clock_t)-1;
}
void _exit(int status) {
  (void)status;
  board_reset();
}
