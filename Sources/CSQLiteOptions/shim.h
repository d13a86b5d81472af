// Options of SQLite that are set by functions with variable arguments, which Swift cannot call.
#include <sqlite3.h>

/// Before SQLite is used for the first time: no counting of its memory, which takes a mutex for
/// every allocation, and for each connection `slots` small blocks of `size` bytes that are
/// allocated once.
static inline int depot_sqlite_set_up(int size, int slots) {
    int code = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    return code == SQLITE_OK ? sqlite3_config(SQLITE_CONFIG_LOOKASIDE, size, slots) : code;
}
