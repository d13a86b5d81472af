// What Linux and its C library have beyond POSIX, and Swift's Glibc module leaves out.
#include <errno.h>
#include <stdint.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <sys/xattr.h>
#include <unistd.h>

int mallopt(int parameter, int value);
int syncfs(int descriptor);
int fallocate(int descriptor, int mode, off_t offset, off_t length);

// The C library has no function for it, and headers of older systems not even its number, which is
// the same everywhere.
static inline int depot_openat2(
    int folder, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
    struct {
        uint64_t flags, mode, resolve;
    } how = {flags, mode, resolve};
    return (int)syscall(437, folder, path, &how, sizeof how);
}

// Macros.
static inline unsigned depot_major(dev_t device) { return major(device); }
static inline unsigned depot_minor(dev_t device) { return minor(device); }
static inline dev_t depot_device(unsigned major_number, unsigned minor_number) {
    return makedev(major_number, minor_number);
}

enum {
    DEPOT_M_TRIM_THRESHOLD = -1,
    DEPOT_M_TOP_PAD = -2,
    DEPOT_M_MMAP_THRESHOLD = -3,
    DEPOT_M_ARENA_MAX = -8,
    DEPOT_FALLOC_FL_KEEP_SIZE = 1,
    DEPOT_SEEK_DATA = 3,
    DEPOT_SEEK_HOLE = 4,
    DEPOT_AT_EMPTY_PATH = 0x1000,
    DEPOT_RESOLVE_NO_SYMLINKS = 4,
    DEPOT_RESOLVE_BENEATH = 8,
    DEPOT_O_PATH = 010000000,
#if defined(__aarch64__) || defined(__arm__)
    DEPOT_O_DIRECT = 0200000,
#else
    DEPOT_O_DIRECT = 040000,
#endif
};
