#include "CSQLiteChecksums.h"
#include "checked_file.h"

#include <pthread.h>
#include <string.h>

/// What SQLite's own numbers for `xFileControl` leave to others.
enum { CONTROL_BEGIN = 0x64637301, CONTROL_ARE_KEPT = 0x64637302 };

static sqlite3_vfs ours;

static checked_file *own(sqlite3_file *file) { return (checked_file *)file; }
static sqlite3_file *lower(sqlite3_file *file) { return own(file)->lower; }

int checked_scratch(checked_file *file, int size) {
    if (file->scratch_size >= size) return SQLITE_OK;
    unsigned char *larger = sqlite3_realloc(file->scratch, size);
    if (larger == NULL) return SQLITE_NOMEM;
    file->scratch = larger;
    file->scratch_size = size;
    return SQLITE_OK;
}

int checked_page_size(unsigned size) {
    return size >= 512 && size <= 65536 && (size & (size - 1)) == 0 ? (int)size : 0;
}

static int close_file(sqlite3_file *f) {
    int error = lower(f)->pMethods->xClose(lower(f));
    sqlite3_free(own(f)->scratch);
    sqlite3_free(own(f)->lower);
    memset(f, 0, sizeof(checked_file));
    return error;
}

static int read_file(sqlite3_file *f, void *to, int count, sqlite3_int64 offset) {
    return lower(f)->pMethods->xRead(lower(f), to, count, offset);
}

static int read_database(sqlite3_file *f, void *to, int count, sqlite3_int64 offset) {
    return database_read(own(f), to, count, offset);
}

static int read_log(sqlite3_file *f, void *to, int count, sqlite3_int64 offset) {
    return log_read(own(f), to, count, offset);
}

static int write_file(sqlite3_file *f, const void *from, int count, sqlite3_int64 offset) {
    return lower(f)->pMethods->xWrite(lower(f), from, count, offset);
}

static int write_database(sqlite3_file *f, const void *from, int count, sqlite3_int64 offset) {
    return database_write(own(f), from, count, offset);
}

static int write_log(sqlite3_file *f, const void *from, int count, sqlite3_int64 offset) {
    return log_write(own(f), from, count, offset);
}

static int truncate_file(sqlite3_file *f, sqlite3_int64 size) {
    return lower(f)->pMethods->xTruncate(lower(f), size);
}

static int truncate_log(sqlite3_file *f, sqlite3_int64 size) {
    if (size == 0) log_forget(own(f));
    return truncate_file(f, size);
}

static int sync_file(sqlite3_file *f, int flags) {
    return lower(f)->pMethods->xSync(lower(f), flags);
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

static int control_database(sqlite3_file *f, int operation, void *argument) {
    int error;
    switch (operation) {
    case CONTROL_BEGIN:
        own(f)->page_size = checked_page_size(*(unsigned *)argument);
        return own(f)->page_size ? SQLITE_OK : SQLITE_ERROR;
    case CONTROL_ARE_KEPT:
        error = database_learn(own(f));
        *(int *)argument = own(f)->page_size != 0;
        return error;
    default: return control(f, operation, argument);
    }
}

static int sector_size(sqlite3_file *f) { return lower(f)->pMethods->xSectorSize(lower(f)); }

static int characteristics(sqlite3_file *f) {
    int found = lower(f)->pMethods->xDeviceCharacteristics(lower(f));
#ifdef SQLITE_IOCAP_SUBPAGE_READ
    // A part of a page would have the whole of it read.
    found &= ~SQLITE_IOCAP_SUBPAGE_READ;
#endif
    return found;
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

// Version 2: without memory mapping.
#define METHODS(read, write, truncate, control)                                                    \
    {                                                                                              \
        2, close_file, read, write, truncate, sync_file, file_size, lock_file, unlock_file,        \
            check_lock, control, sector_size, characteristics, shm_map, shm_lock, shm_barrier,     \
            shm_unmap, NULL, NULL,                                                                 \
    }

static const sqlite3_io_methods for_database =
    METHODS(read_database, write_database, truncate_file, control_database);
static const sqlite3_io_methods for_log = METHODS(read_log, write_log, truncate_log, control);
static const sqlite3_io_methods for_others = METHODS(read_file, write_file, truncate_file, control);

/// The file system that lies below, of those that are registered.
static sqlite3_vfs *below(void) { return ours.pNext; }

static int open_file(
    sqlite3_vfs *vfs, const char *path, sqlite3_file *f, int flags, int *flags_out) {
    (void)vfs;
    checked_file *file = own(f);
    memset(file, 0, sizeof *file);
    file->lower = sqlite3_malloc(below()->szOsFile);
    if (file->lower == NULL) return SQLITE_NOMEM;
    memset(file->lower, 0, below()->szOsFile);
    int error = below()->xOpen(below(), path, file->lower, flags, flags_out);
    if (error != SQLITE_OK) {
        if (file->lower->pMethods) file->lower->pMethods->xClose(file->lower);
        sqlite3_free(file->lower);
        return error;
    }
    if (flags & SQLITE_OPEN_MAIN_DB) {
        f->pMethods = &for_database;
        // What cannot be read is asked for again by SQLite, and by whoever relies on checksums.
        database_learn(file);
    } else if (flags & SQLITE_OPEN_WAL) {
        f->pMethods = &for_log;
        log_forget(file);
    } else {
        f->pMethods = &for_others;
    }
    return SQLITE_OK;
}

static int delete_file(sqlite3_vfs *vfs, const char *path, int sync) {
    (void)vfs;
    return below()->xDelete(below(), path, sync);
}

static pthread_mutex_t installing = PTHREAD_MUTEX_INITIALIZER;

int depot_checksums_install(void) {
    pthread_mutex_lock(&installing);
    int error = SQLITE_OK;
    if (ours.zName == NULL) {
        sqlite3_vfs *first = sqlite3_vfs_find(NULL);
        error = first ? SQLITE_OK : SQLITE_ERROR;
        if (first) {
            ours = *first;
            ours.zName = "depot-checksums";
            ours.pNext = NULL;
            ours.szOsFile = sizeof(checked_file);
            ours.xOpen = open_file;
            ours.xDelete = delete_file;
        }
    }
    if (error == SQLITE_OK) error = sqlite3_vfs_register(&ours, 1);
    pthread_mutex_unlock(&installing);
    return error;
}

int depot_checksums_begin(sqlite3 *database, const char *schema) {
    sqlite3_stmt *asking = NULL;
    unsigned page_size = 0;
    int pages = -1;
    const char *questions[] = {"PRAGMA \"%w\".page_size", "PRAGMA \"%w\".page_count"};
    for (int index = 0; index < 2; index++) {
        char *question = sqlite3_mprintf(questions[index], schema);
        int error = sqlite3_prepare_v2(database, question, -1, &asking, NULL);
        sqlite3_free(question);
        if (error != SQLITE_OK) return error;
        if (sqlite3_step(asking) == SQLITE_ROW) {
            if (index == 0) page_size = (unsigned)sqlite3_column_int(asking, 0);
            if (index == 1) pages = sqlite3_column_int(asking, 0);
        }
        error = sqlite3_finalize(asking);
        if (error != SQLITE_OK) return error;
    }
    if (pages != 0) return SQLITE_MISUSE;
    int reserved = DEPOT_CHECKSUM_BYTES;
    int error = sqlite3_file_control(database, schema, SQLITE_FCNTL_RESERVE_BYTES, &reserved);
    return error == SQLITE_OK
        ? sqlite3_file_control(database, schema, CONTROL_BEGIN, &page_size) : error;
}

int depot_checksums_are_kept(sqlite3 *database, const char *schema) {
    int are_kept = 0;
    int error = sqlite3_file_control(database, schema, CONTROL_ARE_KEPT, &are_kept);
    return error == SQLITE_OK && are_kept;
}
