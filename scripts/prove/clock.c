/*
 * The clock of a redis-server, moved: gettimeofday plus the seconds that stand in the file CLOCK_OFFSET_FILE, read at every call so
 * that a story can make the clock jump. Preloaded into the server; nothing else is changed.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  static int file = -2;
  char text[32];
  int result = (int)syscall(SYS_gettimeofday, now, zone);
  if (file == -2) {
    const char *name = getenv("CLOCK_OFFSET_FILE");
    file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
  }
  ssize_t length = file < 0 ? 0 : pread(file, text, sizeof text - 1, 0);
  if (length > 0) {
    text[length] = 0;
    now->tv_sec += atol(text);
  }
  return result;
}
