/* A machine with faults, for tests: preloaded into a router, it does what the file named by FAULTS_OF_MACHINE says.
 *
 * The file holds four native 64-bit integers, changed while the router runs:
 *   [0] nanoseconds by which the wall clock is off
 *   [1] writes to the ledger's files:   0 work, n > 0 fail with errno n, -1 wait, -2 write a half and find the disk full
 *   [2] fsync of the ledger's files:    0 works, n > 0 fails with errno n, -1 waits
 *   [3] how often an fsync of them was asked for (written here)
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static volatile long long none[4];
static volatile long long *rules = none;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAULTS_OF_MACHINE");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) return;
    void *at = mmap(0, sizeof none, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at != MAP_FAILED) rules = at;
    close(fd);
}

static int is_ledger(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strstr(path, "/dd0c.db") != 0;
}

static void wait_while(volatile long long *rule) {
    struct timespec moment = {0, 2000000};
    while (*rule == -1) nanosleep(&moment, 0);
}

static int fails(int fd, volatile long long *rule) {
    if (*rule == 0 || !is_ledger(fd)) return 0;
    wait_while(rule);
    if (*rule > 0) {
        errno = (int)*rule;
        return 1;
    }
    return 0;
}

/* The size of what may be written; -1: nothing, errno says why. */
static ssize_t allowed(int fd, size_t size) {
    static __thread int is_full;
    if (fails(fd, &rules[1])) return -1;
    if (rules[1] != -2 || !is_ledger(fd)) return (ssize_t)size;
    is_full = !is_full;
    if (is_full && size > 1) return (ssize_t)(size / 2);
    errno = ENOSPC;
    return -1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *data, size_t size) {
    ssize_t most = rules[1] ? allowed(fd, size) : (ssize_t)size;
    return most < 0 ? -1 : REAL(write)(fd, data, (size_t)most);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    ssize_t most = rules[1] ? allowed(fd, size) : (ssize_t)size;
    return most < 0 ? -1 : REAL(pwrite)(fd, data, (size_t)most, at);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    ssize_t most = rules[1] ? allowed(fd, size) : (ssize_t)size;
    return most < 0 ? -1 : REAL(pwrite64)(fd, data, (size_t)most, at);
}

static void asked(int fd) {
    if (is_ledger(fd)) __sync_fetch_and_add((long long *)&rules[3], 1);
}

int fsync(int fd) {
    asked(fd);
    return fails(fd, &rules[2]) ? -1 : REAL(fsync)(fd);
}

int fdatasync(int fd) {
    asked(fd);
    return fails(fd, &rules[2]) ? -1 : REAL(fdatasync)(fd);
}

int clock_gettime(clockid_t id, struct timespec *moment) {
    int status = REAL(clock_gettime)(id, moment);
    if (id == CLOCK_REALTIME && rules[0]) {
        long long ns = moment->tv_nsec + rules[0] % 1000000000;
        moment->tv_sec += rules[0] / 1000000000 + (ns >= 1000000000) - (ns < 0);
        moment->tv_nsec = ns - (ns >= 1000000000) * 1000000000 + (ns < 0) * 1000000000;
    }
    return status;
}
