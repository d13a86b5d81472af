#pragma once

/// The commit that this was built from, as whoever built it said in `DEPOT_COMMIT`, with a `+` where files differed from it;
/// empty where nobody did.
const char *depot_build_commit(void);
