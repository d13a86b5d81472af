#define _GNU_SOURCE
#include "CMemoryCounts.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

// Stands in front of the C library's functions of these names. Nothing here may allocate, and all of it must work
// before `begin` was called: the loader and other libraries come first.

static memory_counts unseen;
static memory_counts *counts = &unseen;

typedef void *copying(void *, const void *, size_t);
static copying *copy_apart, *copy_any;

static void add(uint64_t *count, uint64_t what) {
    __atomic_fetch_add(count, what, __ATOMIC_RELAXED);
}

__attribute__((constructor)) static void begin(void) {
    copy_apart = (copying *)dlsym(RTLD_NEXT, "memcpy");
    copy_any = (copying *)dlsym(RTLD_NEXT, "memmove");
    const char *path = getenv("DEPOT_MEMORY_COUNTS");
    if (path == NULL) return;
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) return;
    if (ftruncate(file, sizeof(memory_counts)) == 0) {
        void *shared = mmap(
            NULL, sizeof(memory_counts), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (shared != MAP_FAILED) counts = shared;
    }
    close(file);
}

// MARK: Copies

static void *slowly(void *to, const void *from, size_t count) {
    // Not to be made a call of memcpy.
    volatile char *target = to;
    const char *source = from;
    if ((const char *)to <= source) {
        for (size_t i = 0; i < count; i++) target[i] = source[i];
    } else {
        while (count-- > 0) target[count] = source[count];
    }
    return to;
}

void *memcpy(void *to, const void *from, size_t count) {
    if (count >= MEMORY_COUNTS_COPY) add(&counts->copied, count);
    return copy_apart ? copy_apart(to, from, count) : slowly(to, from, count);
}

void *memmove(void *to, const void *from, size_t count) {
    if (count >= MEMORY_COUNTS_COPY) add(&counts->copied, count);
    return copy_any ? copy_any(to, from, count) : slowly(to, from, count);
}

// MARK: Blocks

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

static void note(size_t size) {
    add(&counts->blocks, 1);
    if (size >= MEMORY_COUNTS_LARGE) add(&counts->large_blocks, 1);
}

void *malloc(size_t size) {
    note(size);
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    note(count * size);
    return __libc_calloc(count, size);
}

void *realloc(void *block, size_t size) {
    note(size);
    return __libc_realloc(block, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    note(size);
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size) {
    note(size);
    void *found = __libc_memalign(alignment, size);
    if (found == NULL) return ENOMEM;
    *block = found;
    return 0;
}

// MARK: Reads

ssize_t read(int file, void *target, size_t size) {
    ssize_t count = syscall(SYS_read, file, target, size);
    if (count > 0 && size >= MEMORY_COUNTS_LARGE) add(&counts->large_reads, 1);
    return count;
}
