/* Shifts the wall clock by CLOCK_SHIFT seconds, in the process that preloads this library and in its children.
 *
 * Functions that read the wall clock add the shift. Functions that wait until a moment of it subtract the shift, because
 * the kernel's clock is not shifted. Monotonic clocks are left alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>

/* A condition may use the monotonic clock, and cannot be asked. Its seconds count from the start of the machine, so they
 * are far fewer than those since 1970. */
#define SINCE_1970 1000000000

#define REAL(name, ...) \
  static int (*real)(__VA_ARGS__); \
  if (!real) real = (int (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static time_t shift(void) {
  static time_t seconds;
  static int known;
  if (!known) {
    const char *text = getenv("CLOCK_SHIFT");
    seconds = text ? atoll(text) : 0;
    known = 1;
  }
  return seconds;
}

static struct timespec unshifted(const struct timespec *until) {
  struct timespec moment = *until;
  if (moment.tv_sec > SINCE_1970) moment.tv_sec -= shift();
  return moment;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  REAL("clock_gettime", clockid_t, struct timespec *);
  int result = real(clock, now);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += shift();
  return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  REAL("gettimeofday", struct timeval *, void *);
  int result = real(now, zone);
  if (result == 0) now->tv_sec += shift();
  return result;
}

int timespec_get(struct timespec *now, int base) {
  REAL("timespec_get", struct timespec *, int);
  int result = real(now, base);
  if (base == TIME_UTC && result == base) now->tv_sec += shift();
  return result;
}

time_t time(time_t *there) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (there) *there = now.tv_sec;
  return now.tv_sec;
}

int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex, const struct timespec *restrict until) {
  REAL("cnd_timedwait", cnd_t *, mtx_t *, const struct timespec *);
  struct timespec moment = unshifted(until);
  return real(condition, mutex, &moment);
}

int mtx_timedlock(mtx_t *restrict mutex, const struct timespec *restrict until) {
  REAL("mtx_timedlock", mtx_t *, const struct timespec *);
  struct timespec moment = unshifted(until);
  return real(mutex, &moment);
}

int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict until) {
  REAL("pthread_cond_timedwait", pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
  struct timespec moment = unshifted(until);
  return real(condition, mutex, &moment);
}

int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex, const struct timespec *restrict until) {
  REAL("pthread_mutex_timedlock", pthread_mutex_t *, const struct timespec *);
  struct timespec moment = unshifted(until);
  return real(mutex, &moment);
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict until) {
  REAL("sem_timedwait", sem_t *, const struct timespec *);
  struct timespec moment = unshifted(until);
  return real(semaphore, &moment);
}
