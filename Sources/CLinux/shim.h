// What Linux and its C library have beyond POSIX, and Swift's Glibc module leaves out.
#include <sys/types.h>

int mallopt(int parameter, int value);
int syncfs(int descriptor);
int fallocate(int descriptor, int mode, off_t offset, off_t length);

enum {
    DEPOT_M_TRIM_THRESHOLD = -1,
    DEPOT_M_TOP_PAD = -2,
    DEPOT_M_MMAP_THRESHOLD = -3,
    DEPOT_M_ARENA_MAX = -8,
    DEPOT_FALLOC_FL_KEEP_SIZE = 1,
#if defined(__aarch64__) || defined(__arm__)
    DEPOT_O_DIRECT = 0200000,
#else
    DEPOT_O_DIRECT = 040000,
#endif
};
