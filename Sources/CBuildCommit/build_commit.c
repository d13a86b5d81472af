#include "build_commit.h"

#ifndef DEPOT_COMMIT
#define DEPOT_COMMIT ""
#endif

const char *depot_build_commit(void) { return DEPOT_COMMIT; }
