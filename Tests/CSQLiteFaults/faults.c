#include "CSQLiteFaults.h"

#include <sqlite3.h>
#include <stddef.h>

// A file of ours is followed in memory by the file of the file system below.
typedef struct {
    sqlite3_file base;
    /// SQLite keeps it until the file is closed; NULL for one without a name, which nobody asks about.
    const char *path;
} faults_file;

static faults_hook hook;
static sqlite3_vfs *below;
static sqlite3_vfs ours;

static sqlite3_file *lower(sqlite3_file *file) {
    return (sqlite3_file *)((char *)file + sizeof(faults_file));
}

static int ask(sqlite3_file *file, int operation, long long offset, const void *bytes, int count) {
    const char *path = ((faults_file *)file)->path;
    return path == NULL ? SQLITE_OK : hook(operation, path, offset, bytes, count);
}

static int close_file(sqlite3_file *f) { return lower(f)->pMethods->xClose(lower(f)); }

static int read_file(sqlite3_file *f, void *to, int count, sqlite3_int64 offset) {
    return lower(f)->pMethods->xRead(lower(f), to, count, offset);
}

static int write_file(sqlite3_file *f, const void *from, int count, sqlite3_int64 offset) {
    int error = ask(f, FAULTS_WRITE, offset, from, count);
    return error ? error : lower(f)->pMethods->xWrite(lower(f), from, count, offset);
}

static int truncate_file(sqlite3_file *f, sqlite3_int64 size) {
    int error = ask(f, FAULTS_TRUNCATE, size, NULL, 0);
    return error ? error : lower(f)->pMethods->xTruncate(lower(f), size);
}

static int sync_file(sqlite3_file *f, int flags) {
    int error = ask(f, FAULTS_SYNC, 0, NULL, 0);
    return error ? error : lower(f)->pMethods->xSync(lower(f), flags);
}

static int file_size(sqlite3_file *f, sqlite3_int64 *size) {
    return lower(f)->pMethods->xFileSize(lower(f), size);
}

static int lock_file(sqlite3_file *f, int level) {
    return lower(f)->pMethods->xLock(lower(f), level);
}

static int unlock_file(sqlite3_file *f, int level) {
    return lower(f)->pMethods->xUnlock(lower(f), level);
}

static int check_lock(sqlite3_file *f, int *result) {
    return lower(f)->pMethods->xCheckReservedLock(lower(f), result);
}

static int control(sqlite3_file *f, int operation, void *argument) {
    return lower(f)->pMethods->xFileControl(lower(f), operation, argument);
}

static int sector_size(sqlite3_file *f) { return lower(f)->pMethods->xSectorSize(lower(f)); }

static int characteristics(sqlite3_file *f) {
    return lower(f)->pMethods->xDeviceCharacteristics(lower(f));
}

static int shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **address) {
    return lower(f)->pMethods->xShmMap(lower(f), page, size, extend, address);
}

static int shm_lock(sqlite3_file *f, int offset, int count, int flags) {
    return lower(f)->pMethods->xShmLock(lower(f), offset, count, flags);
}

static void shm_barrier(sqlite3_file *f) { lower(f)->pMethods->xShmBarrier(lower(f)); }

static int shm_unmap(sqlite3_file *f, int delete) {
    return lower(f)->pMethods->xShmUnmap(lower(f), delete);
}

// Version 2: without memory mapping, which would write past us.
static const sqlite3_io_methods methods = {
    2, close_file, read_file, write_file, truncate_file, sync_file, file_size, lock_file,
    unlock_file, check_lock, control, sector_size, characteristics, shm_map, shm_lock,
    shm_barrier, shm_unmap, NULL, NULL,
};

static int open_file(
    sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *flagsOut) {
    (void)vfs;
    file->pMethods = NULL;
    ((faults_file *)file)->path = path;
    if (flags & SQLITE_OPEN_CREATE) {
        int refused = ask(file, FAULTS_OPEN, 0, NULL, 0);
        if (refused) return refused;
    }
    int error = below->xOpen(below, path, lower(file), flags, flagsOut);
    if (error == SQLITE_OK) file->pMethods = &methods;
    return error;
}

static int delete_file(sqlite3_vfs *vfs, const char *path, int sync) {
    (void)vfs;
    int error = hook(FAULTS_DELETE, path, sync, NULL, 0);
    return error ? error : below->xDelete(below, path, sync);
}

int faults_install(faults_hook asked) {
    hook = asked;
    below = sqlite3_vfs_find("unix");
    if (below == NULL) return SQLITE_ERROR;
    ours = *below;
    ours.zName = "depot-faults";
    ours.pNext = NULL;
    ours.szOsFile = (int)sizeof(faults_file) + below->szOsFile;
    ours.xOpen = open_file;
    ours.xDelete = delete_file;
    // Second in the row: below what the project puts between SQLite and the disk.
    return sqlite3_vfs_register(&ours, 0);
}
